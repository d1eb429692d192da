package compat

import (
	"os"
	"path/filepath"
	"testing"
)

func TestPython3(t *testing.T) {
	need(t, "python3")
	same(t, map[string]string{"main.py": `
import asyncio, ctypes, hashlib, json, multiprocessing, os, select, socket, sqlite3, ssl, subprocess, sys, tempfile, threading, zlib
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

def square(n):
    return n * n

async def many():
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    r, w = await asyncio.open_connection("127.0.0.1", port)
    w.write(b"through loopback\n")
    line = await r.readline()
    w.close()
    p = await asyncio.create_subprocess_exec("echo", "a child of the loop", stdout=subprocess.PIPE)
    out, _ = await p.communicate()
    server.close()
    return line, out, await asyncio.gather(*(asyncio.sleep(0, n) for n in range(100)))

async def echo(r, w):
    w.write(await r.readline())
    await w.drain()
    w.close()

if __name__ == "__main__":
    print(sys.version.split()[0], ssl.OPENSSL_VERSION, sqlite3.sqlite_version)
    print(ssl.create_default_context().verify_mode)
    for method in ("fork", "spawn", "forkserver"):
        with multiprocessing.get_context(method).Pool(3) as pool:
            print(method, pool.map(square, range(10)))
    with ProcessPoolExecutor(2) as pool: print(list(pool.map(square, range(5))))
    with ThreadPoolExecutor(8) as pool: print(sum(pool.map(square, range(1000))))
    queue = multiprocessing.Queue(); queue.put({"a": 1}); print(queue.get())
    shared = multiprocessing.Value("i", 41)
    with shared.get_lock(): shared.value += 1
    print(shared.value)
    print(subprocess.run(["sh", "-c", "echo $((6 * 7)); exit 3"], capture_output=True))
    print(asyncio.run(many()))
    total, lock = [0], threading.Lock()
    def add():
        for _ in range(1000):
            with lock: total[0] += 1
    threads = [threading.Thread(target=add) for _ in range(10)]
    [x.start() for x in threads]; [x.join() for x in threads]
    print(total)
    with tempfile.NamedTemporaryFile("w+") as f, tempfile.TemporaryDirectory() as d:
        f.write("x" * 100000); f.flush(); print(os.stat(f.name).st_size, os.listdir(d))
    db = sqlite3.connect("data.db"); db.execute("pragma journal_mode=wal"); db.execute("create table t(n)")
    db.executemany("insert into t values(?)", [(n,) for n in range(1000)]); db.commit()
    print(db.execute("select count(*), sum(n) from t").fetchone())
    a, b = socket.socketpair(); a.send(b"x"); poll = select.epoll(); poll.register(b, select.EPOLLIN); print(len(poll.poll(5)))
    print(ctypes.CDLL(None).abs(-7), hashlib.sha256(zlib.compress(b"x" * 1000)).hexdigest())
    print(json.dumps(sorted(os.listdir("."))))
`}, "python3 main.py; python3 -m unittest --help | head -n 1; python3 -c 'import this' | head -n 1")
}

func TestNode(t *testing.T) {
	need(t, "node")
	same(t, map[string]string{"main.js": `
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads')
const cp = require('child_process'), fs = require('fs'), net = require('net'), http = require('http'), os = require('os')
const crypto = require('crypto'), zlib = require('zlib'), path = require('path')
if (!isMainThread) { parentPort.postMessage(workerData * 2); return }
const worker = n => new Promise((ok, no) => new Worker(__filename, { workerData: n }).on('message', ok).on('error', no))
async function main() {
  console.log(process.version)
  console.log('workers', await Promise.all([1, 2, 3, 4].map(worker)))
  console.log('child', cp.execFileSync('sh', ['-c', 'echo $((6*7))']).toString())
  console.log('spawn', await new Promise(ok => cp.spawn('sh', ['-c', 'exit 5']).on('close', ok)))
  fs.writeFileSync('a.txt', 'words'); fs.renameSync('a.txt', 'b.txt'); console.log(fs.readFileSync('b.txt', 'utf8'))
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'n-')); await fs.promises.writeFile(dir + '/x', Buffer.alloc(1 << 20))
  console.log((await fs.promises.stat(dir + '/x')).size); fs.rmSync(dir, { recursive: true })
  const echo = net.createServer(s => s.pipe(s)); await new Promise(ok => echo.listen(0, '127.0.0.1', ok))
  console.log('net', await new Promise(ok => { const c = net.connect(echo.address().port, '127.0.0.1', () => c.write('hello')); c.once('data', d => { c.destroy(); ok(d.toString()) }) }))
  echo.close()
  const web = http.createServer((q, r) => r.end('served ' + q.url)); await new Promise(ok => web.listen(0, '127.0.0.1', ok))
  console.log(await (await fetch('http://127.0.0.1:' + web.address().port + '/page')).text()); web.closeAllConnections(); web.close()
  const sock = path.join(process.cwd(), 's'); const local = net.createServer(s => s.end('unix')); await new Promise(ok => local.listen(sock, ok))
  console.log(await new Promise(ok => net.connect(sock).once('data', d => ok(d.toString())))); local.close()
  console.log(crypto.createHash('sha256').update(zlib.gunzipSync(zlib.gzipSync('x'.repeat(1e5)))).digest('hex'))
  console.log('wasm', (await WebAssembly.instantiate(Buffer.from('0061736d0100000001070160027f7f017f030201000707010361646400000a09010700200020016a0b', 'hex'))).instance.exports.add(40, 2))
  await new Promise(ok => { const w = fs.watch('.', () => { w.close(); ok() }); fs.writeFileSync('watched', '') })
  console.log('watched')
}
main().catch(e => { console.error(e); process.exit(1) })
`}, "node main.js")
}

func TestGo(t *testing.T) {
	need(t, "go")
	files := map[string]string{
		"go.mod":       "module example.test/hello\n\ngo 1.20\n",
		"main.go":      "package main\n\nimport \"fmt\"\n\nfunc main() {\n\tdone := make(chan int)\n\tgo func() { done <- double(21) }()\n\tfmt.Println(<-done)\n}\n\nfunc double(n int) int { return 2 * n }\n",
		"main_test.go": "package main\n\nimport \"testing\"\n\nfunc TestDouble(t *testing.T) {\n\tt.Parallel()\n\tif double(2) != 4 {\n\t\tt.Fatal(double(2))\n\t}\n}\n\nfunc BenchmarkDouble(b *testing.B) {\n\tfor i := 0; i < b.N; i++ {\n\t\tdouble(i)\n\t}\n}\n",
	}
	p := newPlace(t, files)
	t.Cleanup(func() { removeAll(t, p.home) })
	p.compare(files, `export GOCACHE=$PWD/.cache GOPATH=$PWD/.path GOFLAGS=-mod=mod GOPROXY=off GOTOOLCHAIN=local CGO_ENABLED=0
go version; go build -o hello .; ./hello; go test -run . -bench . -benchtime 10x ./... | grep -o -E '^(ok|PASS|FAIL)'; go list -m`)
}

func TestCAndCXX(t *testing.T) {
	need(t, "gcc", "g++")
	same(t, map[string]string{
		"main.c": `#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long total;
static void *add(void *n) { for (int i = 0; i < 10000; i++) { pthread_mutex_lock(&lock); total += (long)n; pthread_mutex_unlock(&lock); } return 0; }
static volatile int caught;
static void on(int s) { caught = s; }
int main(void) {
	pthread_t t[8];
	for (long i = 0; i < 8; i++) if (pthread_create(&t[i], 0, add, (void *)i)) return 1;
	for (int i = 0; i < 8; i++) pthread_join(t[i], 0);
	sem_t *s = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s == MAP_FAILED || sem_init(s, 1, 0)) return 2;
	signal(SIGUSR1, on);
	pid_t child = fork();
	if (!child) { kill(getppid(), SIGUSR1); sem_post(s); _exit(7); }
	while (sem_wait(s)) ;
	int status; waitpid(child, &status, 0);
	printf("%ld %d %d\n", total, WEXITSTATUS(status), caught == SIGUSR1);
	return 0;
}
`,
		"main.cc": `#include <atomic>
#include <filesystem>
#include <future>
#include <iostream>
#include <thread>
#include <vector>
int main() {
	std::atomic<int> n{0};
	std::vector<std::thread> all;
	for (int i = 0; i < 8; i++) all.emplace_back([&] { for (int j = 0; j < 1000; j++) n++; });
	for (auto &t : all) t.join();
	try { throw std::runtime_error("caught"); } catch (const std::exception &e) { std::cout << e.what() << '\n'; }
	std::cout << n << ' ' << std::async(std::launch::async, [] { return 42; }).get() << ' ' << std::filesystem::exists("main.cc") << '\n';
}
`,
	}, `gcc -O2 -Wall -pthread -o c main.c; ./c; g++ -std=c++17 -O1 -pthread -o cc main.cc; ./cc; gcc -static -pthread -o s main.c; ./s; gcc -dumpversion`)
}

func TestPerl(t *testing.T) {
	need(t, "perl")
	same(t, map[string]string{"main.pl": `use strict; use warnings; use IO::Socket::INET; use POSIX; use File::Temp 'tempfile'; use Socket;
my $pid = open(my $kid, '-|') // die; if (!$pid) { print "from the child\n"; exit 0 } print <$kid>; close $kid;
my $l = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die $@;
if (!fork) { my $c = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $l->sockport) or die $@; print $c "over loopback\n"; exit 0 }
print $l->accept->getline; wait; my ($fh, $name) = tempfile(); print $fh 'x' x 1000; close $fh; print -s $name, "\n"; unlink $name;
local $SIG{ALRM} = sub { print "alarm\n" }; alarm 1; POSIX::pause(); print join(',', map { $_ ** 2 } grep { $_ % 2 } 1 .. 9), "\n";
`}, `perl main.pl; perl -ne 'print "$.: $_" if /fork/' main.pl | wc -l; perl -v | grep -c Larry`)
}

func TestJava(t *testing.T) {
	need(t, "java", "javac")
	same(t, map[string]string{"Hello.java": `import java.net.*; import java.nio.file.*; import java.util.concurrent.*; import java.util.stream.*;
public class Hello {
	public static void main(String[] a) throws Exception {
		System.out.println(IntStream.range(0, 1000).parallel().sum());
		ExecutorService pool = Executors.newFixedThreadPool(4);
		System.out.println(pool.submit(() -> "from a thread").get()); pool.shutdown();
		try (ServerSocket s = new ServerSocket(0, 1, InetAddress.getLoopbackAddress()); Socket c = new Socket(s.getInetAddress(), s.getLocalPort())) {
			c.getOutputStream().write(42); System.out.println(s.accept().getInputStream().read());
		}
		Path p = Files.createTempFile("j", "x"); Files.writeString(p, "words"); System.out.println(Files.readString(p)); Files.delete(p);
		Process q = new ProcessBuilder("echo", "a child").inheritIO().start(); System.out.println(q.waitFor());
	}
}
`}, `javac Hello.java; java -Xmx256m Hello; jar cf h.jar Hello.class 2>/dev/null && java -cp h.jar Hello | head -n 1; ls`)
}

func TestGit(t *testing.T) {
	need(t, "git")
	p := newPlace(t, nil)
	upstream := filepath.Join(filepath.Dir(p.dir), "upstream")
	if err := os.Mkdir(upstream, 0o755); err != nil {
		t.Fatal(err)
	}
	const dates = `export GIT_AUTHOR_DATE='2020-01-02T03:04:05Z' GIT_COMMITTER_DATE='2020-01-02T03:04:05Z' GIT_CONFIG_COUNT=3 \
 GIT_CONFIG_KEY_0=user.name GIT_CONFIG_VALUE_0=Tester GIT_CONFIG_KEY_1=user.email GIT_CONFIG_VALUE_1=tester@example.test GIT_CONFIG_KEY_2=safe.directory GIT_CONFIG_VALUE_2='*'
`
	p.outside(dates + `cd ` + upstream + `; git init -q -b main; for i in 1 2 3; do seq $i 200 >file$i; git add .; git commit -qm "number $i"; done; git gc -q; echo done`)
	p.compare(nil, dates+`git clone -q `+upstream+` copy 2>&1; cd copy; git log --oneline; git checkout -q -b topic; echo more >>file1; git commit -qam "a change"; git rev-parse HEAD
git diff --stat HEAD~1; git rebase -q main; git tag v1; git describe --tags; git stash list; git fsck 2>&1; git worktree add -q ../tree HEAD~1; ls ../tree; git status --short; git archive HEAD | tar tf -; git bundle create -q b HEAD; git grep -c 7`,
		"--ro", upstream)
}
