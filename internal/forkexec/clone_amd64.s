#include "textflag.h"

// func cloneRun(args unsafe.Pointer, size uintptr, f unsafe.Pointer) (r, tid uintptr)
// tid is the thread that cloned: asked for here, because Go cannot move a goroutine to another thread inside assembly.
// The call of interp is indirect: a direct one would look to the linker like an endless chain of nosplit frames.
TEXT ·cloneRun(SB),NOSPLIT,$0-40
	MOVQ	args+0(FP), DI
	MOVQ	size+8(FP), SI
	MOVQ	f+16(FP), R12
	MOVL	$435, AX // clone3
	SYSCALL
	TESTQ	AX, AX
	JZ	child
	MOVQ	AX, r+24(FP)
	MOVL	$186, AX // gettid
	SYSCALL
	MOVQ	AX, tid+32(FP)
	RET
child:
	XORL	BP, BP
	SUBQ	$32, SP
	ANDQ	$~15, SP
	MOVQ	R12, 0(SP)
	LEAQ	·interp(SB), AX
	CALL	AX
	MOVL	$231, AX // exit_group
	MOVL	$127, DI
	SYSCALL
	INT	$3

// func initAddr() uintptr
TEXT ·initAddr(SB),NOSPLIT,$0-8
	LEAQ	·initText(SB), AX
	MOVQ	AX, ret+0(FP)
	RET

// func execMain(fd int, path, argv, envp unsafe.Pointer) (errno uintptr)
// execveat(fd, path, argv, envp, AT_EMPTY_PATH), if this is the process's main thread. Assembly, because Go may move a
// goroutine to another thread between any two of its own instructions, but never inside an assembly function.
TEXT ·execMain(SB),NOSPLIT,$0-40
	MOVL	$39, AX // getpid
	SYSCALL
	MOVQ	AX, BX
	MOVL	$186, AX // gettid
	SYSCALL
	CMPQ	AX, BX
	JNE	other
	MOVQ	fd+0(FP), DI
	MOVQ	path+8(FP), SI
	MOVQ	argv+16(FP), DX
	MOVQ	envp+24(FP), R10
	MOVL	$0x1000, R8
	MOVL	$322, AX // execveat
	SYSCALL
	NEGQ	AX
	MOVQ	AX, errno+32(FP)
	RET
other:
	MOVQ	$35, errno+32(FP) // EDEADLK: never returned by execveat itself
	RET
