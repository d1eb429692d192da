package main

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sizes are the heaps that a start is measured beside, in MB.
var sizes = [...]int{16, 512, 4096}

// needed is how much memory must be free before the largest heap is made, in MB.
const needed = 8192

// block is how many starts a worker makes before it is another's turn.
const block = 10

// heap is what starts took beside one heap, in microseconds.
type heap struct {
	MB     int
	Starts []float64
}

func (h *heap) minimum() float64 { return slices.Min(h.Starts) }
func (h *heap) median() float64  { return median(h.Starts) }

// worker is a process that holds a heap and starts sandboxes when asked.
type worker struct {
	heap
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// heaps lets workers start sandboxes by turns, in an order that changes.
func heaps(o *options, r *report) ([]*heap, error) {
	var workers []*worker
	defer func() {
		for _, w := range workers {
			_ = w.in.Close() // ends the worker
			_ = w.cmd.Wait()
		}
	}()
	for _, mb := range sizes {
		if free, err := available(); mb == sizes[len(sizes)-1] && (err != nil || free < needed) {
			r.note("a heap of %d MB: memory: %d MB are free, %d MB are needed", mb, free, needed)
			continue
		}
		w, err := newWorker(o, mb)
		if err != nil {
			return nil, err
		}
		workers = append(workers, w)
		if _, err := w.ask(); err != nil { // warms up; not counted
			return nil, err
		}
	}
	order := slices.Clone(workers)
	for begun := 0; begun < o.starts; begun += block {
		rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, w := range order {
			took, err := w.ask()
			if err != nil {
				return nil, err
			}
			w.Starts = append(w.Starts, took...)
		}
	}
	var all []*heap
	for _, w := range workers {
		all = append(all, &w.heap)
	}
	return all, nil
}

func newWorker(o *options, mb int) (*worker, error) {
	w := &worker{heap: heap{MB: mb}}
	w.cmd = exec.Command(filepath.Join(o.dir, "inprocess"), "-scratch", o.dir, "-heap", strconv.Itoa(mb), "-gap", o.gap.String())
	w.cmd.Stderr = os.Stderr
	var err error
	if w.in, err = w.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	w.out = bufio.NewReader(out)
	return w, w.cmd.Start()
}

// ask has a block of starts made and returns how long each took.
func (w *worker) ask() ([]float64, error) {
	if _, err := io.WriteString(w.in, "\n"); err != nil {
		return nil, fmt.Errorf("ask the worker with %d MB: %w", w.MB, err)
	}
	line, err := w.out.ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("read the answer of the worker with %d MB: %w", w.MB, err)
	}
	var took []float64
	for word := range strings.FieldsSeq(line) {
		us, err := strconv.ParseFloat(word, 64)
		if err != nil {
			return nil, fmt.Errorf("read the answer of the worker with %d MB: %w", w.MB, err)
		}
		took = append(took, us)
	}
	if len(took) != block {
		return nil, fmt.Errorf("read the answer of the worker with %d MB: %d times instead of %d", w.MB, len(took), block)
	}
	return took, nil
}

// work is the worker: it fills its heap, and answers every line with the times of a block of starts.
func work(o *options, in io.Reader, out io.Writer) error {
	live := fillHeap(o.heap)
	defer runtime.KeepAlive(live)
	s, err := newSandbox("--", "/bin/true")
	if err != nil {
		return err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		var answer []byte
		for range block {
			ws, took, err := s.launch()
			if err == nil {
				err = ended(ws, 0)
			}
			if err != nil {
				return fmt.Errorf("start beside %d MB: %w", o.heap, err)
			}
			answer = strconv.AppendFloat(append(answer, ' '), float64(took.Nanoseconds())/1e3, 'f', 1, 64)
			time.Sleep(o.gap)
		}
		if _, err := out.Write(append(answer, '\n')); err != nil {
			return err
		}
	}
	return lines.Err()
}

// fillHeap allocates MB of heap, writes to every page of it and lets the collector see it once.
func fillHeap(mb int) [][]byte {
	live := make([][]byte, mb)
	for i := range live {
		live[i] = make([]byte, 1<<20)
		for at := 0; at < 1<<20; at += 4096 {
			live[i][at] = byte(i + at>>12 + 1)
		}
	}
	runtime.GC()
	return live
}

// available is how much memory the kernel thinks can be had without swapping, in MB.
func available() (int, error) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "MemAvailable:" {
			kib, err := strconv.Atoi(f[1])
			return kib >> 10, err
		}
	}
	return 0, fmt.Errorf("read /proc/meminfo: no MemAvailable in it")
}
