/* ab times commands against each other: all of them in every round, in an
 * order that changes from round to round, so that a busy minute of the machine
 * hits all alike. The cost of the harness is the same for every row: one
 * vfork, the same opens, one execv, one wait4.
 *
 *	ab [option ...] @@ NAME COMMAND [ARG ...] [@? TOKEN COMMAND [ARG ...]] [@@ ...]
 *	ab [option ...] @= NAME COMMAND [ARG ...]
 *
 *	-n N         rounds (default 250)       -w N        rounds before that, not counted (default 3)
 *	-g US        pause after each run, for what a launcher leaves behind to end (default 0)
 *	-f FD=FILE   open FILE as FD in every child (three at most)
 *	--vs NAME    print ratios to this row (four at most)
 *	--json       print JSON instead of a table
 *
 * @@ is a command that is started once a round; COMMAND needs a path. What
 * follows @? is run once beforehand: it must exit 0 and its output must contain
 * TOKEN; this shows that the launcher really runs its payload.
 * @= is a command that measures by itself: it is started once, gets one newline
 * on its standard input each round and answers with one number (us) on a line.
 *
 * Wall time ends when the command ends. CPU is user and system time, and faults
 * are minor faults, of the command and of all that it started: ab is a subreaper
 * and waits for what a command leaves behind before it starts the next. Beside a
 * meter, that wait is given up after 20 ms without an end.
 *
 * Standard input is empty and standard output is a file that nobody reads. Both
 * are memfds: OCI runtimes give their standard streams away with fchown(2), so
 * no command may get a device of the host, /dev/null least of all.
 *
 * A run that does not exit 0 ends ab with status 1 after the table. Unusable
 * arguments end it with status 2. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_ROWS = 64, MAX_FILES = 3, MAX_VS = 4, OUTPUT = 4096, LINE_MS = 60000, PATIENCE_MS = 20 };

struct row {
	char *name, *token, **command, **check;
	char output[OUTPUT];
	int is_meter, failures, last_status, fd;
	pid_t pid;
	double *wall, *cpu, *faults;
};
struct column { double min, p10, median, mean; };

static struct row rows[MAX_ROWS];
static int row_count, rounds = 250, warm = 3, json;
static long gap_us;
static struct { int fd; char *path; } files[MAX_FILES];
static int file_count;
static char *versus[MAX_VS];
static int versus_count;
static int quiet_in, quiet_out, meters;
static volatile int child_errno; /* written by the child of a vfork */

static void fail(int code, const char *what, const char *which)
{
	fprintf(stderr, "ab: %s: %s%s%s\n", what, which, errno ? ": " : "", errno ? strerror(errno) : "");
	exit(code);
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static double seconds(struct timeval t)
{
	return t.tv_sec * 1e6 + t.tv_usec;
}

static int open_as(int fd, const char *path, int flags)
{
	int f = open(path, flags);
	if (f < 0 || f == fd)
		return f;
	int r = dup2(f, fd);
	close(f);
	return r;
}

/* spawn starts a command with standard input and output from in and out. */
__attribute__((noinline)) static pid_t spawn(char **command, int in, int out)
{
	child_errno = 0;
	pid_t pid = vfork();
	if (pid)
		return pid;
	int bad = dup2(in, 0);
	if (bad >= 0)
		bad = dup2(out, 1);
	for (int i = 0; i < file_count && bad >= 0; i++)
		bad = open_as(files[i].fd, files[i].path, O_RDONLY);
	if (bad >= 0)
		execv(command[0], command);
	child_errno = errno;
	_exit(127);
}

static pid_t must_spawn(struct row *r, char **command, int in, int out)
{
	pid_t pid = spawn(command, in, out);
	errno = pid < 0 ? errno : child_errno;
	if (pid < 0 || child_errno)
		fail(1, r->name, command[0]);
	return pid;
}

/* check runs the check command of a row and keeps what it wrote. */
static void check(struct row *r)
{
	int p[2], status;
	size_t n = 0;
	ssize_t got;
	if (!r->check)
		return;
	if (pipe2(p, O_CLOEXEC) < 0)
		fail(1, "pipe", r->name);
	pid_t pid = must_spawn(r, r->check, quiet_in, p[1]);
	close(p[1]);
	while (n < OUTPUT - 1 && (got = read(p[0], r->output + n, OUTPUT - 1 - n)) > 0)
		n += got;
	close(p[0]);
	errno = 0;
	if (waitpid(pid, &status, 0) != pid)
		fail(1, "wait", r->name);
	if (status) {
		fprintf(stderr, "ab: check of %s: wait status %#x\n", r->name, status);
		exit(1);
	}
	if (!strstr(r->output, r->token))
		fail(1, "check: the payload did not run", r->name);
}

static void start_meter(struct row *r)
{
	int s[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s) < 0)
		fail(1, "socketpair", r->name);
	r->pid = must_spawn(r, r->command, s[1], s[1]);
	meters++;
	close(s[1]);
	r->fd = s[0];
}

/* ask reads byte by byte: what follows the line belongs to later rounds. */
static double ask(struct row *r)
{
	char line[64], *end;
	size_t n = 0;
	struct pollfd p = {.fd = r->fd, .events = POLLIN};
	send(r->fd, "\n", 1, MSG_NOSIGNAL);
	while (n < sizeof line - 1) {
		if (poll(&p, 1, LINE_MS) < 1 || read(r->fd, line + n, 1) < 1 || line[n] == '\n')
			break;
		n++;
	}
	line[n] = 0;
	errno = 0;
	double v = strtod(line, &end);
	if (end == line || *end)
		fail(1, "no number from", r->name);
	return v;
}

/* rest waits for what a command left behind, and adds up what it used. */
static void rest(struct rusage *sum)
{
	struct rusage u;
	struct timespec pause = {0, 200000};
	double last = now();
	for (;;) {
		pid_t pid = wait4(-1, 0, __WALL | (meters ? WNOHANG : 0), &u);
		if (pid < 0 && errno == ECHILD)
			return;
		if (pid > 0) {
			timeradd(&sum->ru_utime, &u.ru_utime, &sum->ru_utime);
			timeradd(&sum->ru_stime, &u.ru_stime, &sum->ru_stime);
			sum->ru_minflt += u.ru_minflt;
			last = now();
			for (int i = 0; i < row_count; i++)
				if (rows[i].pid == pid)
					rows[i].pid = 0; /* a meter that ended: its number may be another's soon */
		} else if (meters && now() - last > PATIENCE_MS * 1e3) {
			return;
		} else if (meters) {
			nanosleep(&pause, 0);
		}
	}
}

static void run(struct row *r, int round)
{
	struct rusage u;
	int status;
	double t0, t1;
	if (r->is_meter) {
		t1 = ask(r);
		if (round >= 0)
			r->wall[round] = t1;
		return;
	}
	t0 = now();
	pid_t pid = spawn(r->command, quiet_in, quiet_out);
	if (pid < 0)
		fail(1, "vfork", r->name);
	if (wait4(pid, &status, 0, &u) != pid)
		fail(1, "wait", r->name);
	t1 = now();
	rest(&u);
	if (status) {
		r->failures++;
		r->last_status = status;
	}
	if (round < 0)
		return;
	r->wall[round] = t1 - t0;
	r->cpu[round] = seconds(u.ru_utime) + seconds(u.ru_stime);
	r->faults[round] = u.ru_minflt;
}

/* shuffle: a plain rotation would always put the same row before the same
 * other, which then pays for what the first leaves running. */
static void shuffle(int *order)
{
	static unsigned long long x = 88172645463325252ull;
	for (int i = row_count - 1; i > 0; i--) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		int j = x % (i + 1), t = order[i];
		order[i] = order[j];
		order[j] = t;
	}
}

static void measure(void)
{
	int order[MAX_ROWS];
	struct timespec gap = {gap_us / 1000000, gap_us % 1000000 * 1000};
	quiet_in = memfd_create("in", MFD_CLOEXEC);
	quiet_out = memfd_create("out", MFD_CLOEXEC);
	if (quiet_in < 0 || quiet_out < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		fail(1, "prepare", "standard streams");
	for (int i = 0; i < row_count; i++) {
		order[i] = i;
		check(&rows[i]);
		if (rows[i].is_meter)
			start_meter(&rows[i]);
	}
	for (int round = -warm; round < rounds; round++) {
		shuffle(order);
		for (int i = 0; i < row_count; i++) {
			run(&rows[order[i]], round);
			if (gap_us)
				nanosleep(&gap, 0);
		}
	}
	for (int i = 0; i < row_count; i++)
		if (rows[i].is_meter) {
			close(rows[i].fd);
			if (!rows[i].pid)
				continue;
			kill(rows[i].pid, SIGTERM);
			waitpid(rows[i].pid, 0, 0);
		}
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static struct column summary(double *v)
{
	struct column c = {0};
	qsort(v, rounds, sizeof *v, ascending);
	for (int i = 0; i < rounds; i++)
		c.mean += v[i] / rounds;
	c.min = v[0];
	c.p10 = v[rounds / 10];
	c.median = rounds % 2 ? v[rounds / 2] : (v[rounds / 2 - 1] + v[rounds / 2]) / 2;
	return c;
}

static void json_string(const char *s)
{
	putchar('"');
	for (; *s; s++)
		if (*s == '"' || *s == '\\')
			printf("\\%c", *s);
		else if ((unsigned char)*s < 0x20)
			printf("\\u%04x", *s);
		else
			putchar(*s);
	putchar('"');
}

static void json_column(const char *name, struct column c)
{
	printf(",\"%s\":{\"min\":%.1f,\"p10\":%.1f,\"median\":%.1f,\"mean\":%.1f}", name, c.min, c.p10, c.median, c.mean);
}

static void print_json(void)
{
	printf("{\"rounds\":%d,\"rows\":[", rounds);
	for (int i = 0; i < row_count; i++) {
		struct row *r = &rows[i];
		printf("%s\n{\"name\":", i ? "," : "");
		json_string(r->name);
		printf(",\"failures\":%d,\"checked\":%s,\"output\":", r->failures, r->check ? "true" : "false");
		json_string(r->output);
		json_column("wall", summary(r->wall));
		if (!r->is_meter) {
			json_column("cpu", summary(r->cpu));
			json_column("faults", summary(r->faults));
		}
		printf("}");
	}
	printf("]}\n");
}

static void print_table(void)
{
	struct column base[MAX_VS];
	printf("%-24s %9s %9s %9s %9s %9s %7s", "us", "min", "p10", "median", "cpu-mean", "cpu-med", "faults");
	for (int k = 0; k < versus_count; k++) {
		printf("  x %s (min/med)", versus[k]);
		for (int i = 0; i < row_count; i++)
			if (!strcmp(rows[i].name, versus[k]))
				base[k] = summary(rows[i].wall);
	}
	printf("\n");
	for (int i = 0; i < row_count; i++) {
		struct row *r = &rows[i];
		struct column w = summary(r->wall), c = summary(r->cpu), f = summary(r->faults);
		printf("%-24s %9.0f %9.0f %9.0f", r->name, w.min, w.p10, w.median);
		if (r->is_meter)
			printf(" %9s %9s %7s", "-", "-", "-");
		else
			printf(" %9.0f %9.0f %7.0f", c.mean, c.median, f.median);
		for (int k = 0; k < versus_count; k++)
			printf("  %*.2f/%.2f", (int)strlen(versus[k]) + 8, w.min / base[k].min, w.median / base[k].median);
		printf("%s\n", r->failures ? "  FAILED" : "");
	}
}

static long number(const char *name, const char *text)
{
	char *end;
	long v = strtol(text ? text : "", &end, 10);
	if (!text || end == text || *end || v < 0 || v > 100000000)
		fail(2, name, "a number is needed");
	return v;
}

/* option reads one option and returns how many arguments it took. */
static int option(char **a)
{
	char *equals = a[1] ? strchr(a[1], '=') : 0;
	if (!strcmp(a[0], "--json"))
		return json = 1;
	if (!strcmp(a[0], "-n"))
		rounds = number(a[0], a[1]);
	else if (!strcmp(a[0], "-w"))
		warm = number(a[0], a[1]);
	else if (!strcmp(a[0], "-g"))
		gap_us = number(a[0], a[1]);
	else if (!strcmp(a[0], "--vs") && a[1] && versus_count < MAX_VS)
		versus[versus_count++] = a[1];
	else if (!strcmp(a[0], "-f") && equals && file_count < MAX_FILES) {
		*equals = 0;
		files[file_count].fd = number(a[0], a[1]);
		files[file_count++].path = equals + 1;
	} else
		fail(2, "unknown or incomplete option", a[0]);
	return 2;
}

/* parse cuts the arguments into rows; the separators become the ends. */
static void parse(char **a)
{
	struct row *r = 0;
	while (*a && strcmp(*a, "@@") && strcmp(*a, "@="))
		a += option(a);
	for (; *a; a++) {
		int meter = !strcmp(*a, "@=");
		if (meter || !strcmp(*a, "@@")) {
			if (row_count == MAX_ROWS || !a[1] || !a[2])
				fail(2, "row", "too many, or incomplete");
			*a = 0;
			r = &rows[row_count++];
			r->is_meter = meter;
			r->name = *++a;
			r->command = a + 1;
		} else if (!strcmp(*a, "@?")) {
			if (r->is_meter || !a[1] || !a[2])
				fail(2, "check", r->name);
			*a = 0;
			r->token = *++a;
			r->check = a + 1;
		}
	}
	for (int k = 0; k < versus_count; k++) {
		int found = 0;
		for (int i = 0; i < row_count; i++)
			found |= !strcmp(rows[i].name, versus[k]);
		if (!found)
			fail(2, "no such row", versus[k]);
	}
	if (!row_count || rounds < 1)
		fail(2, "usage", "ab [-n N] [-w N] [-g US] [-f FD=FILE] [--vs NAME] [--json] @@ NAME COMMAND ... [@? TOKEN COMMAND ...]");
}

int main(int argc, char **argv)
{
	int failed = 0;
	(void)argc;
	parse(argv + 1);
	for (int i = 0; i < row_count; i++) {
		rows[i].wall = calloc(rounds, sizeof(double));
		rows[i].cpu = calloc(rounds, sizeof(double));
		rows[i].faults = calloc(rounds, sizeof(double));
		if (!rows[i].wall || !rows[i].cpu || !rows[i].faults)
			fail(1, "memory", rows[i].name);
	}
	measure();
	if (json)
		print_json();
	else
		print_table();
	for (int i = 0; i < row_count; i++)
		if (rows[i].failures) {
			failed = 1;
			fprintf(stderr, "ab: %s: %d of %d runs did not exit 0; last wait status %#x\n", rows[i].name, rows[i].failures,
				rounds + warm, rows[i].last_status);
		}
	return failed;
}
