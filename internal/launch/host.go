package launch

// Host values that forkexec itself fills in; the plan's own descriptors follow from HostFirst on.
const (
	HostReport = iota // write end of the pipe on which the child reports; closes when both programs have executed
	HostStatus        // write end of the pipe on which init tells how the payload ended
	HostInit          // descriptor of the init executable
	HostFirst
)
