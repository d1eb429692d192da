package compat

import (
	"os"
	"path/filepath"
	"testing"
)

func TestBusyboxStatic(t *testing.T) {
	need(t, "busybox")
	same(t, nil, `cp "$(command -v busybox)" busybox; ./busybox sh -c './busybox seq 1 5 | ./busybox tac | ./busybox tr "\n" " "; ./busybox echo; ./busybox uname -s; ./busybox sha256sum busybox; ./busybox --list | ./busybox wc -l'`)
}

func TestTar(t *testing.T) {
	need(t, "tar", "gzip")
	same(t, nil, `mkdir -p a/b; seq 1 1000 >a/b/numbers; ln -s b/numbers a/link; ln a/b/numbers a/hard; mkfifo a/pipe; chmod 640 a/hard; touch -d 2020-01-02 a a/b a/b/numbers
tar czf x.tgz --sort=name a; mkdir out; tar xzpf x.tgz -C out; diff -r --no-dereference a/b out/a/b; readlink out/a/link; stat -c '%a %h %Y' out/a/hard; stat -c %F out/a/pipe
tar tf x.tgz; tar cf - a | tar xf - -C out --overwrite; tar df x.tgz 2>&1; rm -r out a; ls`)
}

func TestSqlite3(t *testing.T) {
	need(t, "sqlite3")
	same(t, nil, `sqlite3 x.db 'pragma journal_mode=wal; create table t(n integer primary key, word text); with recursive c(n) as (select 1 union all select n+1 from c where n<10000) insert into t select n, "word " || n from c; create index i on t(word);'
for i in 1 2 3 4; do sqlite3 -cmd '.timeout 60000' x.db "update t set n = n + 100000 * $i where n = $i" & done; wait
sqlite3 x.db 'select count(*), sum(n) from t; pragma integrity_check;'; sqlite3 x.db .dump | sha256sum; sqlite3 x.db "vacuum into 'y.db'"; sqlite3 y.db 'select max(n) from t'`)
}

func TestMake(t *testing.T) {
	need(t, "make")
	same(t, map[string]string{"Makefile": "all: $(patsubst %,out/%,a b c d e f)\n\t@cat $(sort $^)\nout/%: | out\n\t@echo $* >$@\nout:\n\t@mkdir out\nclean:\n\t@rm -r out\n.PHONY: all clean\n"},
		`make -j4; make -j4 -q all 2>&1 || echo "nothing is up to date"; make clean; ls; make --version | head -n 1`)
}

func TestTextTools(t *testing.T) {
	need(t, "awk", "sed", "find", "xargs", "sort", "diff")
	same(t, nil, `mkdir -p tree/a tree/b; for i in $(seq 1 200); do echo "line $i of a file" >tree/a/$i; echo $((i % 7)) >tree/b/$i.txt; done
find tree -name '*.txt' -print0 | xargs -0 -n 10 -P 4 cat | sort -n | uniq -c; find tree -type f -size -1k | wc -l; find tree -type f -exec grep -l 'line 1[0-9] ' {} + | sort
awk '{ n += $2 } END { print n }' tree/a/*; sed -n 's/line \([0-9]*\) .*/\1/p' tree/a/17; sed -i 's/line/LINE/' tree/a/*; cat tree/a/* | sort | sha256sum
diff tree/a/1 tree/a/2 || true; seq 1 100000 | sort -R | sort -n | tail -n 1; yes | head -n 3; seq 1 9 | paste -sd+ | sed 's/.*/echo $((&))/' | sh
awk 'BEGIN { "date +%Y" | getline y; print (y > 2000); print "x" | "cat 1>&2" }' 2>&1; printf 'b\na\n' | tee copy | sort; cut -d: -f1 /etc/passwd | head -n 1; trap 'echo trapped' EXIT`)
}

func TestSSHKeygen(t *testing.T) {
	need(t, "ssh-keygen")
	same(t, nil, `ssh-keygen -q -t ed25519 -N '' -C tester -f key; ssh-keygen -l -f key.pub | awk '{ print $1, $3, $4 }'; stat -c %a key; echo words >m; ssh-keygen -Y sign -q -f key -n file m 2>/dev/null
echo "tester $(cat key.pub)" >allowed; ssh-keygen -Y verify -f allowed -I tester -n file -s m.sig <m | awk '{ print $1, $2 }'`)
}

// TestHomeAndCaches: programs that keep something in the home directory find one that is empty, theirs, and gone afterwards.
func TestHomeAndCaches(t *testing.T) {
	p := newPlace(t, nil)
	if err := os.WriteFile(filepath.Join(p.home, "secret"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := p.inside(`ls -A ~ | wc -l; mkdir -p ~/.cache/x; echo words >~/.cache/x/y; cat ~/.cache/x/y; stat -c %a ~`); got != "0\nwords\n700\n" {
		t.Errorf("it prints\n%s", got)
	}
	if entries, err := os.ReadDir(p.home); err != nil || len(entries) != 1 {
		t.Errorf("the home directory outside holds %v, %v", entries, err)
	}
}
