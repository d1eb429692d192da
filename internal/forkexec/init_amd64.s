#include "textflag.h"

// The program that the set-up process and, where nothing needs supervision, the launcher become. It is copied out of this
// binary into a small ELF file (see elf.go), so it must not refer to anything outside itself. It uses only its stack.
//
// argc tells who it is:
//   1  init: process 1 of a pid namespace; descriptor 0 is the write end of the status pipe
//   2  waiter: descriptor 0 is the read end of the status pipe, descriptor 1 is init's pidfd
//   3  reaper: like init, but not process 1; descriptor 1 is the payload's pidfd
//
// Stack: 0 signal mask, 16 siginfo, 160 wait status, 168 pollfd array, 192 scratch.
// R12 argc, R13 signalfd of the waiter, R14 status of the payload.
TEXT ·initText(SB),NOSPLIT|NOFRAME,$0
	MOVQ	0(SP), R12
	SUBQ	$512, SP

	// Nothing inside the sandbox may read or trace this process.
	MOVL	$157, AX // prctl(PR_SET_DUMPABLE, 0)
	MOVL	$4, DI
	XORL	SI, SI
	SYSCALL

	MOVQ	$-1, 0(SP)
	MOVL	$14, AX // rt_sigprocmask(SIG_SETMASK, all)
	MOVL	$2, DI
	MOVQ	SP, SI
	XORL	DX, DX
	MOVL	$8, R10
	SYSCALL
	CMPQ	R12, $2
	JEQ	waiter

loop:
	MOVL	$128, AX // rt_sigtimedwait(all, info, no limit)
	MOVQ	SP, DI
	LEAQ	16(SP), SI
	XORL	DX, DX
	MOVL	$8, R10
	SYSCALL
	TESTL	AX, AX
	JLE	loop
	CMPL	AX, $17 // SIGCHLD
	JEQ	reap
	MOVL	$-1, DI
	MOVL	$19, SI // SIGTSTP stops all with SIGSTOP
	CMPL	AX, $20
	JEQ	send
	MOVL	$18, SI // SIGCONT wakes all
	CMPL	AX, $18
	JEQ	send
	MOVL	AX, SI // any other signal is the payload's
	CMPQ	R12, $3
	JEQ	sendfd
	MOVL	$2, DI
send:
	MOVL	$62, AX // kill
	SYSCALL
	JMP	loop
sendfd:
	MOVL	$424, AX // pidfd_send_signal(1, sig, NULL, 0)
	MOVL	$1, DI
	XORL	DX, DX
	XORL	R10, R10
	SYSCALL
	JMP	loop

reap:
	MOVL	$61, AX // wait4(-1, status, WNOHANG|WUNTRACED|__WALL)
	MOVQ	$-1, DI
	LEAQ	160(SP), SI
	MOVL	$0x40000003, DX
	XORL	R10, R10
	SYSCALL
	TESTL	AX, AX
	JLE	loop
	CMPQ	R12, $3
	JEQ	mine
	CMPL	AX, $2
	JNE	reap
mine:
	MOVL	160(SP), R14
	CMPB	R14, $0x7f
	JNE	ended
	MOVL	R14, 192(SP) // stopped: tell the supervisor
	MOVL	$1, AX
	XORL	DI, DI
	LEAQ	192(SP), SI
	MOVL	$4, DX
	SYSCALL
	JMP	reap

ended:
	MOVL	$61, AX // is any other process left?
	MOVQ	$-1, DI
	LEAQ	160(SP), SI
	MOVL	$0x40000001, DX
	XORL	R10, R10
	SYSCALL
	TESTL	AX, AX
	JG	ended
	MOVL	R14, 192(SP)
	CMPL	AX, $-10 // ECHILD: nobody, so the result may be told before the namespaces are taken down
	JNE	tell
	ORL	$0x80000000, 192(SP)
tell:
	MOVL	$1, AX // write(0, status, 4)
	XORL	DI, DI
	LEAQ	192(SP), SI
	MOVL	$4, DX
	SYSCALL
exit:
	MOVL	R14, DI
	ANDL	$0x7f, DI
	JZ	normal
	ADDL	$128, DI
	JMP	leave
normal:
	MOVL	R14, DI
	SHRL	$8, DI
	ANDL	$0xff, DI
leave:
	MOVL	$231, AX // exit_group
	SYSCALL
	INT	$3

waiter:
	MOVL	$289, AX // signalfd4(-1, all, 8, 0)
	MOVQ	$-1, DI
	MOVQ	SP, SI
	MOVL	$8, DX
	XORL	R10, R10
	SYSCALL
	MOVL	AX, R13
poll:
	MOVL	$0, 168(SP)
	MOVL	$1, 172(SP) // POLLIN
	MOVL	R13, 176(SP)
	MOVL	$1, 180(SP)
	MOVL	$271, AX // ppoll(fds, 2, NULL, NULL, 8)
	LEAQ	168(SP), DI
	MOVL	$2, SI
	XORL	DX, DX
	XORL	R10, R10
	MOVL	$8, R8
	SYSCALL
	TESTL	AX, AX
	JLE	poll
	MOVL	172(SP), AX
	SHRL	$16, AX
	JNZ	status
	XORL	AX, AX // read(signalfd, info, 128)
	MOVL	R13, DI
	LEAQ	192(SP), SI
	MOVL	$128, DX
	SYSCALL
	CMPL	AX, $128
	JNE	poll
	MOVL	192(SP), R14
	CMPL	R14, $17
	JEQ	poll
	CMPL	R14, $23 // SIGURG: left over from the Go runtime that was here before
	JEQ	poll
	MOVL	$424, AX // pidfd_send_signal(1, sig, NULL, 0)
	MOVL	$1, DI
	MOVL	R14, SI
	XORL	DX, DX
	XORL	R10, R10
	SYSCALL
	CMPL	R14, $20
	JNE	poll
	MOVL	$39, AX // SIGTSTP: stop with the sandbox, as the shell expects
	SYSCALL
	MOVL	AX, DI
	MOVL	$19, SI
	MOVL	$62, AX
	SYSCALL
	JMP	poll
status:
	XORL	AX, AX // read(0, status, 4)
	XORL	DI, DI
	LEAQ	192(SP), SI
	MOVL	$4, DX
	SYSCALL
	CMPL	AX, $4
	JNE	gone
	MOVL	192(SP), R14
	CMPB	R14, $0x7f
	JEQ	poll
	BTL	$31, R14
	JCS	exit
	MOVL	$1, R15 // the payload's status is known; others are still being killed
	JMP	wait
gone:
	XORL	R15, R15 // init was killed: its own end is all there is to tell
wait:
	MOVL	$247, AX // waitid(P_PIDFD, 1, info, WEXITED|__WALL, NULL)
	MOVL	$3, DI
	MOVL	$1, SI
	LEAQ	192(SP), DX
	MOVL	$0x40000004, R10
	XORL	R8, R8
	SYSCALL
	CMPL	AX, $-4
	JEQ	wait
	TESTL	R15, R15
	JNZ	exit
	MOVL	216(SP), DI // si_status
	CMPL	200(SP), $1 // si_code: CLD_EXITED
	JEQ	leave
	ADDL	$128, DI
	JMP	leave
	BYTE	$0xCA; BYTE $0x44; BYTE $0xE1; BYTE $0x0E // end mark
