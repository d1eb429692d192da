package launch

// Host values that forkexec itself fills in; the plan's own descriptors follow from HostFirst on.
const (
	HostReport     = iota // write end of the pipe on which the child reports; closes when both programs have executed
	HostStatus            // write end of the pipe on which init tells how the payload ended
	HostInit              // descriptor of the init executable
	HostStatusRead        // the child's copy of the status pipe's read end, which it closes to learn whether the parent lives
	HostSocket            // socket on which the child receives descriptors from the parent
	HostFirst
)
