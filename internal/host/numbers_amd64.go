package host

const (
	sysSeccomp     = 317
	sysMemfdCreate = 319
)
