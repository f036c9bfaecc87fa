package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"dossier.example/app"
)

// Progress is shown so often: where it is drawn over, and where each time is a line.
const (
	drawEvery = 200 * time.Millisecond
	lineEvery = 15 * time.Second
)

// progress shows how far a run is, on stderr: as a bar on a terminal, else by a line now and then.
type progress struct {
	stderr io.Writer
	quiet  bool

	mu  sync.Mutex
	bar *progressbar.ProgressBar
}

// extent is how far a run is.
type extent struct{ doneFiles, files, doneBytes, bytes int64 }

// say tells something beside the progress.
func (p *progress) say(format string, args ...any) {
	if p.quiet {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line(format, args...)
}

// line writes a line in the place of the bar, which comes again below it. The caller holds mu.
func (p *progress) line(format string, args ...any) {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
	fmt.Fprintf(p.stderr, format+"\n", args...)
}

// follow shows a run's progress until the returned function is called.
func (p *progress) follow(now func() extent) (stop func()) {
	if p.quiet {
		return func() {}
	}
	every := lineEvery
	if f, ok := p.stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		every = drawEvery
		p.bar = progressbar.NewOptions64(now().bytes, progressbar.OptionSetWriter(p.stderr),
			progressbar.OptionShowBytes(true),
			progressbar.OptionUseIECUnits(true), progressbar.OptionSetPredictTime(true), progressbar.OptionFullWidth(),
			progressbar.OptionThrottle(0))
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				p.show(now())
			}
		}
	})
	return func() {
		cancel()
		wg.Wait()
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.bar != nil {
			_ = p.bar.Clear()
			p.bar = nil
		}
	}
}

func (p *progress) show(e extent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar == nil {
		fmt.Fprintf(p.stderr, "%d of %d files, %s of %s\n", e.doneFiles, e.files, dossier.FormatBytes(e.doneBytes),
			dossier.FormatBytes(e.bytes))
		return
	}
	p.bar.Describe(fmt.Sprintf("%d/%d files", e.doneFiles, e.files))
	p.bar.ChangeMax64(e.bytes)
	_ = p.bar.Set64(min(e.doneBytes, e.bytes))
}
