package host

const (
	sysSeccomp     = 277
	sysMemfdCreate = 279
)
