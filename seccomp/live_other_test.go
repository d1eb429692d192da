//go:build linux && !amd64

package seccomp

import (
	"errors"
	"sync/atomic"
)

func probeI386() error { return errors.New("not an x86 machine") }

func callI386([]probe, *atomic.Int32) { panic("not an x86 machine") }
