#include "textflag.h"

// func Call(nr uint32, args *[6]uint32) int32
//
// The kernel may clear R8 to R11. BP holds the sixth argument and is saved on
// the stack around the call.
TEXT ·Call(SB), NOSPLIT, $8-20
	MOVL nr+0(FP), AX
	MOVQ args+8(FP), R12
	MOVL 0(R12), BX
	MOVL 4(R12), CX
	MOVL 8(R12), DX
	MOVL 12(R12), SI
	MOVL 16(R12), DI
	MOVQ BP, saved-8(SP)
	MOVL 20(R12), BP
	INT  $0x80
	MOVQ saved-8(SP), BP
	MOVL AX, ret+16(FP)
	RET
