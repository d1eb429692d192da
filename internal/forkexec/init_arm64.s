#include "textflag.h"

// See init_amd64.s: the same program. R19 argc, R20 signalfd of the waiter, R21 status of the payload, R22 flag.
// Stack: 0 signal mask, 16 siginfo, 160 wait status, 168 pollfd array, 192 scratch.
TEXT ·initText(SB),NOSPLIT|NOFRAME,$0
	MOVD	0(RSP), R19
	SUB	$512, RSP

	// Nothing inside the sandbox may read or trace this process.
	MOVD	$167, R8 // prctl(PR_SET_DUMPABLE, 0)
	MOVD	$4, R0
	MOVD	ZR, R1
	SVC

	MOVD	$-1, R9
	MOVD	R9, 0(RSP)
	MOVD	$135, R8 // rt_sigprocmask(SIG_SETMASK, all)
	MOVD	$2, R0
	MOVD	RSP, R1
	MOVD	ZR, R2
	MOVD	$8, R3
	SVC
	CMP	$2, R19
	BEQ	waiter

loop:
	MOVD	$137, R8 // rt_sigtimedwait(all, info, no limit)
	MOVD	RSP, R0
	ADD	$16, RSP, R1
	MOVD	ZR, R2
	MOVD	$8, R3
	SVC
	CMPW	$0, R0
	BLE	loop
	CMPW	$17, R0 // SIGCHLD
	BEQ	reap
	MOVD	R0, R9
	MOVD	$-1, R0
	MOVD	$19, R1 // SIGTSTP stops all with SIGSTOP
	CMPW	$20, R9
	BEQ	send
	MOVD	$18, R1 // SIGCONT wakes all
	CMPW	$18, R9
	BEQ	send
	MOVD	R9, R1 // any other signal is the payload's
	CMP	$3, R19
	BEQ	sendfd
	MOVD	$2, R0
send:
	MOVD	$129, R8 // kill
	SVC
	B	loop
sendfd:
	MOVD	$424, R8 // pidfd_send_signal(1, sig, NULL, 0)
	MOVD	$1, R0
	MOVD	ZR, R2
	MOVD	ZR, R3
	SVC
	B	loop

reap:
	MOVD	$260, R8 // wait4(-1, status, WNOHANG|WUNTRACED|__WALL)
	MOVD	$-1, R0
	ADD	$160, RSP, R1
	MOVD	$0x40000003, R2
	MOVD	ZR, R3
	SVC
	CMPW	$0, R0
	BLE	loop
	CMP	$3, R19
	BEQ	mine
	CMPW	$2, R0
	BNE	reap
mine:
	MOVWU	160(RSP), R21
	AND	$0xff, R21, R9
	CMPW	$0x7f, R9
	BNE	ended
	MOVW	R21, 192(RSP) // stopped: tell the supervisor
	MOVD	$64, R8
	MOVD	ZR, R0
	ADD	$192, RSP, R1
	MOVD	$4, R2
	SVC
	B	reap

ended:
	MOVD	$260, R8 // is any other process left?
	MOVD	$-1, R0
	ADD	$160, RSP, R1
	MOVD	$0x40000001, R2
	MOVD	ZR, R3
	SVC
	CMPW	$0, R0
	BGT	ended
	MOVW	R21, 192(RSP)
	CMNW	$10, R0 // ECHILD: nobody, so the result may be told before the namespaces are taken down
	BNE	tell
	ORR	$0x80000000, R21, R9
	MOVW	R9, 192(RSP)
tell:
	MOVD	$64, R8 // write(0, status, 4)
	MOVD	ZR, R0
	ADD	$192, RSP, R1
	MOVD	$4, R2
	SVC
exit:
	AND	$0x7f, R21, R0
	CBZ	R0, normal
	ADD	$128, R0
	B	leave
normal:
	LSR	$8, R21, R0
	AND	$0xff, R0
leave:
	MOVD	$94, R8 // exit_group
	SVC
	UNDEF

waiter:
	MOVD	$74, R8 // signalfd4(-1, all, 8, 0)
	MOVD	$-1, R0
	MOVD	RSP, R1
	MOVD	$8, R2
	MOVD	ZR, R3
	SVC
	MOVD	R0, R20
poll:
	MOVW	ZR, 168(RSP)
	MOVD	$1, R9 // POLLIN
	MOVW	R9, 172(RSP)
	MOVW	R20, 176(RSP)
	MOVW	R9, 180(RSP)
	MOVD	$73, R8 // ppoll(fds, 2, NULL, NULL, 8)
	ADD	$168, RSP, R0
	MOVD	$2, R1
	MOVD	ZR, R2
	MOVD	ZR, R3
	MOVD	$8, R4
	SVC
	CMPW	$0, R0
	BLE	poll
	MOVWU	172(RSP), R9
	LSR	$16, R9
	CBNZ	R9, status
	MOVD	$63, R8 // read(signalfd, info, 128)
	MOVD	R20, R0
	ADD	$192, RSP, R1
	MOVD	$128, R2
	SVC
	CMPW	$128, R0
	BNE	poll
	MOVWU	192(RSP), R21
	CMPW	$17, R21
	BEQ	poll
	CMPW	$23, R21 // SIGURG: left over from the Go runtime that was here before
	BEQ	poll
	MOVD	$424, R8 // pidfd_send_signal(1, sig, NULL, 0)
	MOVD	$1, R0
	MOVD	R21, R1
	MOVD	ZR, R2
	MOVD	ZR, R3
	SVC
	CMPW	$20, R21
	BNE	poll
	MOVD	$172, R8 // SIGTSTP: stop with the sandbox, as the shell expects
	SVC
	MOVD	$19, R1
	MOVD	$129, R8
	SVC
	B	poll
status:
	MOVD	$63, R8 // read(0, status, 4)
	MOVD	ZR, R0
	ADD	$192, RSP, R1
	MOVD	$4, R2
	SVC
	CMPW	$4, R0
	BNE	gone
	MOVWU	192(RSP), R21
	AND	$0xff, R21, R9
	CMPW	$0x7f, R9
	BEQ	poll
	LSR	$31, R21, R9
	CBNZ	R9, exit
	MOVD	$1, R22 // the payload's status is known; others are still being killed
	B	wait
gone:
	MOVD	ZR, R22 // init was killed: its own end is all there is to tell
wait:
	MOVD	$95, R8 // waitid(P_PIDFD, 1, info, WEXITED|__WALL, NULL)
	MOVD	$3, R0
	MOVD	$1, R1
	ADD	$192, RSP, R2
	MOVD	$0x40000004, R3
	MOVD	ZR, R4
	SVC
	CMNW	$4, R0
	BEQ	wait
	CBNZ	R22, exit
	MOVWU	216(RSP), R0 // si_status
	MOVWU	200(RSP), R9 // si_code: CLD_EXITED is 1
	CMPW	$1, R9
	BEQ	leave
	ADD	$128, R0
	B	leave
	WORD	$0x0EE144CA // end mark
