/* The PID 1 of the C limit: as small as a process can be. It waits for every
 * child, writes the status of the payload, which is process 2 of the PID
 * namespace, to the pipe on descriptor 0, with the top bit set if no process is
 * left, and leaves with it. It links no library; climit carries it and execs it from a
 * memfd, so that PID 1 holds none of the launcher's memory.
 *
 *	gcc -Os -static -nostdlib -ffreestanding -fno-stack-protector \
 *	    -Wl,--build-id=none -Wl,-z,noseparate-code -o reaper reaper.c */

enum { PAYLOAD = 2, EXIT_LOST = 125, NO_CHILD = -10, SET_DUMPABLE = 4, NO_HANG = 1, CLEAN = 1 << 31 };

#if defined(__x86_64__)
enum { NR_WRITE = 1, NR_WAIT4 = 61, NR_PRCTL = 157, NR_EXIT_GROUP = 231 };
static long call4(long n, long a, long b, long c, long d)
{
	long r;
	register long r10 __asm__("r10") = d;
	__asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
	return r;
}
#elif defined(__aarch64__)
enum { NR_WRITE = 64, NR_WAIT4 = 260, NR_PRCTL = 167, NR_EXIT_GROUP = 94 };
static long call4(long n, long a, long b, long c, long d)
{
	register long x8 __asm__("x8") = n;
	register long x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c, x3 __asm__("x3") = d;
	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
	return x0;
}
#else
#error "reaper.c knows the system calls of x86_64 and aarch64 only"
#endif

static int status;

void _start(void)
{
	long pid, other;
	int code, rest;
	call4(NR_PRCTL, SET_DUMPABLE, 0, 0, 0);
	do {
		pid = call4(NR_WAIT4, -1, (long)&status, 0, 0);
	} while (pid > 0 && pid != PAYLOAD);
	if (pid < 0)
		call4(NR_EXIT_GROUP, EXIT_LOST, 0, 0, 0);
	code = status & 0x7f ? 128 + (status & 0x7f) : (status >> 8) & 0xff;
	do {
		other = call4(NR_WAIT4, -1, (long)&rest, NO_HANG, 0);
	} while (other > 0);
	if (other == NO_CHILD)
		status |= CLEAN;
	call4(NR_WRITE, 0, (long)&status, sizeof status, 0);
	for (;;)
		call4(NR_EXIT_GROUP, code, 0, 0, 0);
}
