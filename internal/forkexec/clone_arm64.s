#include "textflag.h"

// func cloneRun(args unsafe.Pointer, size uintptr, f unsafe.Pointer) (r uintptr)
// The call of interp is indirect: a direct one would look to the linker like an endless chain of nosplit frames.
TEXT ·cloneRun(SB),NOSPLIT,$0-32
	MOVD	args+0(FP), R0
	MOVD	size+8(FP), R1
	MOVD	f+16(FP), R19
	MOVD	$435, R8 // clone3
	SVC
	CBZ	R0, child
	MOVD	R0, r+24(FP)
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
