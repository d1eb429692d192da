package forkexec

const (
	sysMemfdCreate = 319
	sysExecveat    = 322
)
