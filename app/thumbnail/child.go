package thumbnail

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"

	"dossier.example/app"
	"dossier.example/app/bounds"
)

// heapGoal is from where on a child's runtime prefers collecting to growing, in bytes.
const heapGoal = 256 << 20

// Exit statuses of a child. The runtime exits with 2 when memory is used up.
const (
	exitMade = 0
	// exitBroken: the child could not read the picture or write the thumbnail.
	exitBroken = 1
	// exitMemory is the runtime's.
	exitMemory = 2
	// exitNone: of this picture no thumbnail can be made.
	exitNone = 4
	// exitTime: it took too much processor time.
	exitTime = 5
)

// command is the one argument by which a program becomes a child.
const command = "thumbnail"

// Main is the whole life of a child, where the process was started as one; else it returns. It is to be the first call
// of each program that uses Self, so that nothing of the program is at work beside the picture.
func Main() {
	if len(os.Args) == 2 && os.Args[1] == command {
		os.Exit(child(bounds.PictureSeconds))
	}
}

// child reads a picture and writes its thumbnail, in that many seconds of processor time. It returns the exit status of
// the process, which it bounds before it reads the first byte: the process is to do nothing else.
func child(seconds uint64) int {
	late := make(chan os.Signal, 1)
	if err := confine(late, seconds); err != nil {
		fmt.Fprintln(os.Stderr, "bound what the process may use:", err)
		return exitBroken
	}
	debug.SetMemoryLimit(heapGoal)
	done := make(chan int, 1)
	go func() { done <- convert(os.Stdin, os.Stdout, os.Stderr) }()
	select {
	case status := <-done:
		signal.Stop(late)
		return status
	case <-late:
		fmt.Fprintf(os.Stderr, "more than %d seconds of processor time\n", seconds)
		return exitTime
	}
}

func convert(stdin io.Reader, stdout, stderr io.Writer) (status int) {
	defer func() {
		// What makes a decoder panic makes it panic each time.
		if r := recover(); r != nil {
			fmt.Fprintln(stderr, "panic:", r)
			status = exitNone
		}
	}()
	picture, err := io.ReadAll(io.LimitReader(stdin, dossier.MaxPicture+1))
	if err != nil {
		fmt.Fprintln(stderr, "read the picture:", err)
		return exitBroken
	}
	thumbnail, err := Make(picture)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitNone
	}
	if _, err := stdout.Write(thumbnail); err != nil {
		fmt.Fprintln(stderr, "write the thumbnail:", err)
		return exitBroken
	}
	return exitMade
}
