#include "textflag.h"

// func cloneRun(args unsafe.Pointer, size uintptr, f unsafe.Pointer) (r, tid uintptr)
// tid is the thread that cloned: asked for here, because Go cannot move a goroutine to another thread inside assembly.
// The call of interp is indirect: a direct one would look to the linker like an endless chain of nosplit frames.
TEXT ·cloneRun(SB),NOSPLIT,$0-40
	MOVD	args+0(FP), R0
	MOVD	size+8(FP), R1
	MOVD	f+16(FP), R19
	MOVD	$435, R8 // clone3
	SVC
	CBZ	R0, child
	MOVD	R0, r+24(FP)
	MOVD	$178, R8 // gettid
	SVC
	MOVD	R0, tid+32(FP)
	RET
child:
	MOVD	ZR, R29
	SUB	$32, RSP
	MOVD	R19, 8(RSP)
	MOVD	$·interp(SB), R1
	CALL	(R1)
	MOVD	$94, R8 // exit_group
	MOVD	$127, R0
	SVC
	UNDEF

// func initAddr() uintptr
TEXT ·initAddr(SB),NOSPLIT,$0-8
	MOVD	$·initText(SB), R0
	MOVD	R0, ret+0(FP)
	RET

// func execMain(fd int, path, argv, envp unsafe.Pointer) (errno uintptr)
// execveat(fd, path, argv, envp, AT_EMPTY_PATH), if this is the process's main thread. Assembly, because Go may move a
// goroutine to another thread between any two of its own instructions, but never inside an assembly function.
TEXT ·execMain(SB),NOSPLIT,$0-40
	MOVD	$172, R8 // getpid
	SVC
	MOVD	R0, R19
	MOVD	$178, R8 // gettid
	SVC
	CMP	R0, R19
	BNE	other
	MOVD	fd+0(FP), R0
	MOVD	path+8(FP), R1
	MOVD	argv+16(FP), R2
	MOVD	envp+24(FP), R3
	MOVD	$0x1000, R4
	MOVD	$281, R8 // execveat
	SVC
	NEG	R0, R0
	MOVD	R0, errno+32(FP)
	RET
other:
	MOVD	$35, R0 // EDEADLK: never returned by execveat itself
	MOVD	R0, errno+32(FP)
	RET
