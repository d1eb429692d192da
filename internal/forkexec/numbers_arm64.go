package forkexec

const (
	sysMemfdCreate = 279
	sysExecveat    = 281
)
