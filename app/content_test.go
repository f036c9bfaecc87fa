package dossier_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"dossier.example/app"
)

// corrupting flips a bit of what is stored.
type corrupting struct{ dossier.Objects }

func (c corrupting) Put(ctx context.Context, key string, r io.Reader) (dossier.Held, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return dossier.Held{}, err
	}
	data[len(data)/2] ^= 1
	return c.Objects.Put(ctx, key, bytes.NewReader(data))
}

func TestFlippedBitIsCaught(t *testing.T) {
	s := fresh(t)
	svc := dossier.New(s.people, s.catalog, corrupting{s.objects}, dossier.Options{Now: s.clock.now})
	out, err := submit(t.Context(), svc, dossier.NewReceipt(), twoFiles)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range out {
		if o.File != nil || o.Err == nil || o.Err.Code != dossier.CodeCorrupt {
			t.Errorf("%s: stored %v, error %v, want ErrCorrupt", o.Name, o.File != nil, o.Err)
		}
	}
	s.checkInvariants(t, true)
	if _, records, objects := s.count(t); records+objects != 0 {
		t.Errorf("left: %d records, %d objects", records, objects)
	}
}

// The bytes of a large file are hashed beside their way to the store. What the record says of them must not depend on
// where they were cut, how they arrived, or what other files were on their way.
func TestLargeFilesAreDescribed(t *testing.T) {
	s := fresh(t)
	svc := s.service(dossier.DefaultLimits())
	const mib = 1 << 20
	data := make([]byte, 5*mib)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(data) // never fails
	sizes := []int{mib - 1, mib, mib + 1, 2*mib + 12_345, 5 * mib}
	atOnce(4*len(sizes), func(i int) {
		content := data[:sizes[i%len(sizes)]]
		r := io.Reader(bytes.NewReader(content))
		if i%2 == 0 {
			r = iotest.HalfReader(r)
		}
		sub, err := svc.Begin(t.Context(), dossier.NewReceipt(), ada)
		if err == nil {
			err = sub.AddFile(t.Context(), "large", r)
		}
		if err == nil {
			err = sub.Acknowledge(t.Context())
		}
		if err != nil {
			t.Errorf("%d bytes: %v", len(content), err)
			return
		}
		crc := dossier.NewCRC64()
		crc.Write(content) // a hash never fails
		want := dossier.Content{Size: int64(len(content)), SHA256: sha256.Sum256(content), CRC64: crc.Sum64(),
			Type: "application/octet-stream"}
		if f := sub.Outcomes()[0].File; f == nil || *f.Content != want {
			t.Errorf("%d bytes: described as %+v, want %+v", len(content), f, want)
		}
	})
}

// taking is a store that has the file written to it, as the embedded one does, and notes how.
type taking struct {
	dossier.Objects
	mu     sync.Mutex
	writes map[int64][]int // by the file's size
}

func (s *taking) Put(ctx context.Context, key string, r io.Reader) (dossier.Held, error) {
	var got bytes.Buffer
	var lengths []int
	_, err := r.(io.WriterTo).WriteTo(writerFunc(func(p []byte) (int, error) {
		before := bytes.Clone(p)
		lengths = append(lengths, len(p))
		n, err := got.Write(p)
		runtime.Gosched() // to whoever hashes p, or reads into it too early
		if !bytes.Equal(p, before) {
			return n, errors.New("the bytes changed while they were written")
		}
		return n, err
	}))
	if err != nil {
		return dossier.Held{}, err
	}
	s.mu.Lock()
	s.writes[int64(got.Len())] = lengths
	s.mu.Unlock()
	return s.Objects.Put(ctx, key, &got)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// A store that has a file written to it gets whole blocks, which are hashed while it writes them.
func TestLargeFilesAreWritten(t *testing.T) {
	s := fresh(t)
	store := &taking{Objects: s.objects, writes: map[int64][]int{}}
	svc := dossier.New(s.people, s.catalog, store, dossier.Options{Now: s.clock.now})
	const block = 128 << 10
	data := make([]byte, 5<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(data) // never fails
	atOnce(8, func(i int) {
		content := data[:len(data)-i*700_001]
		sub, err := svc.Begin(t.Context(), dossier.NewReceipt(), ada)
		if err == nil {
			err = sub.AddFile(t.Context(), "large", &wholly{r: bytes.NewReader(content)})
		}
		if err == nil {
			err = sub.Acknowledge(t.Context())
		}
		if err != nil {
			t.Errorf("%d bytes: %v", len(content), err)
			return
		}
		f := sub.Outcomes()[0].File
		if f == nil || f.Content.SHA256 != sha256.Sum256(content) || f.Content.Size != int64(len(content)) {
			t.Errorf("%d bytes: stored as %+v", len(content), f)
		}
	})
	for size, lengths := range store.writes {
		end := 0
		for i, n := range lengths {
			end += n
			if end%block != 0 && i > 0 && int64(end) != size {
				t.Errorf("%d bytes: write %d ends at byte %d, within a block", size, i, end)
			}
		}
		if got := len(lengths); int64(got) > size/block+2 {
			t.Errorf("%d bytes were written by %d writes", size, got)
		}
	}
	if len(store.writes) != 8 {
		t.Errorf("%d files were written, want 8", len(store.writes))
	}
}

// wholly fills what it is given, as a form's file does.
type wholly struct{ r io.Reader }

func (w *wholly) Read(p []byte) (int, error) {
	n, err := io.ReadFull(w.r, p)
	if n > 0 {
		err = nil
	}
	return n, err
}

// Blocks of senders that stopped sending wait until there are more of them. Nobody else waits for that.
func TestStoppedSendersHoldUpNobody(t *testing.T) {
	s := fresh(t)
	store := &taking{Objects: s.objects, writes: map[int64][]int{}}
	svc := dossier.New(s.people, s.catalog, store, dossier.Options{Now: s.clock.now})
	data := make([]byte, 3<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(data) // never fails
	send := func(content []byte, r io.Reader) {
		sub, err := svc.Begin(t.Context(), dossier.NewReceipt(), ada)
		if err == nil {
			err = sub.AddFile(t.Context(), "large", &wholly{r: r})
		}
		if err == nil {
			err = sub.Acknowledge(t.Context())
		}
		if err != nil {
			t.Errorf("%d bytes: %v", len(content), err)
		} else if f := sub.Outcomes()[0].File; f == nil || f.Content.SHA256 != sha256.Sum256(content) {
			t.Errorf("%d bytes: stored as %+v", len(content), f)
		}
	}
	var senders, stopped sync.WaitGroup
	resume := make(chan struct{})
	for i := range 8 * runtime.GOMAXPROCS(0) {
		content := data[:len(data)-i*100_003%(1<<20)]
		stopped.Add(1)
		stop := sync.OnceFunc(stopped.Done)
		senders.Go(func() {
			defer stop() // also after an error
			send(content, io.MultiReader(bytes.NewReader(content), readerFunc(func([]byte) (int, error) {
				stop()
				<-resume
				return 0, io.EOF
			})))
		})
	}
	stopped.Wait()
	send(data, bytes.NewReader(data))
	close(resume)
	senders.Wait()
}

// Whatever ends the writing of a large file is told as what it is.
func TestWritingOfLargeFileEnds(t *testing.T) {
	errFull := errors.New("no more room")
	for name, c := range map[string]struct {
		after  io.Reader
		refuse error
		want   error
	}{
		"by its source": {broken{}, nil, errInjected},
		"by the store":  {strings.NewReader(""), errFull, errFull},
		"by its limit":  {strings.NewReader(strings.Repeat("x", 4<<20)), nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := fresh(t)
			limits := dossier.DefaultLimits()
			limits.FileBytes = 4 << 20
			store := putFunc{s.objects, func(ctx context.Context, key string, r io.Reader) (dossier.Held, error) {
				_, err := r.(io.WriterTo).WriteTo(writerFunc(func(p []byte) (int, error) {
					return len(p), c.refuse
				}))
				if err == nil {
					err = errors.New("all was written")
				}
				return dossier.Held{}, err
			}}
			svc := dossier.New(s.people, s.catalog, store, dossier.Options{Now: s.clock.now, Limits: limits})
			sub, err := svc.Begin(t.Context(), dossier.NewReceipt(), ada)
			if err != nil {
				t.Fatal(err)
			}
			err = sub.AddFile(t.Context(), "large",
				io.MultiReader(strings.NewReader(strings.Repeat("x", 3<<20)), c.after))
			if !errors.Is(err, c.want) {
				t.Errorf("AddFile: %v, want %v", err, c.want)
			}
			if o := sub.Outcomes()[0]; c.want == nil && (o.Err == nil || o.Err.Code != dossier.CodeTooLarge) {
				t.Errorf("outcome %v, want ErrTooLarge", o.Err)
			}
			sub.Abandon(t.Context())
		})
	}
}

type putFunc struct {
	dossier.Objects
	put func(context.Context, string, io.Reader) (dossier.Held, error)
}

func (f putFunc) Put(ctx context.Context, key string, r io.Reader) (dossier.Held, error) {
	return f.put(ctx, key, r)
}

// The limit of a container, and so the number of processors, may change while a file is on its way.
func TestProcessorsChangeUnderWay(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	s := fresh(t)
	svc := s.service(dossier.DefaultLimits())
	data := make([]byte, 4<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(data) // never fails
	r, n := bytes.NewReader(data), 0
	sub, err := svc.Begin(t.Context(), dossier.NewReceipt(), ada)
	if err == nil {
		err = sub.AddFile(t.Context(), "large", readerFunc(func(p []byte) (int, error) {
			n++
			runtime.GOMAXPROCS(1 + n%2)
			return r.Read(p)
		}))
	}
	if err == nil {
		err = sub.Acknowledge(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	if o := sub.Outcomes()[0]; o.File == nil || o.File.Content.SHA256 != sha256.Sum256(data) {
		t.Errorf("stored as %+v, error %v; want the SHA-256 of what was sent", o.File, o.Err)
	}
}

// A body that breaks off is the sender's fault, not the store's; what arrived before it is not kept.
func TestBodyBreaksOff(t *testing.T) {
	s := fresh(t)
	svc := s.service(dossier.DefaultLimits())
	sub, err := svc.Begin(t.Context(), dossier.NewReceipt(), ada)
	if err != nil {
		t.Fatal(err)
	}
	if err := sub.AddFile(t.Context(), "whole", strings.NewReader("whole")); err != nil {
		t.Fatal(err)
	}
	err = sub.AddFile(t.Context(), "half", io.MultiReader(strings.NewReader("half"), broken{}))
	if !errors.Is(err, errInjected) || errors.Is(err, dossier.ErrUnavailable) {
		t.Errorf("AddFile: %v, want the reader's own error", err)
	}
	sub.Abandon(t.Context())
	if _, records, objects := s.count(t); records+objects != 0 {
		t.Errorf("left at once: %d records, %d objects", records, objects)
	}
	s.reconcileAll(t)
	s.checkInvariants(t, true)
}

func TestClientVanishes(t *testing.T) {
	s := fresh(t)
	svc := s.service(dossier.DefaultLimits())
	ctx, cancel := context.WithCancel(t.Context())
	sub, err := svc.Begin(ctx, dossier.NewReceipt(), ada)
	if err != nil {
		t.Fatal(err)
	}
	r, w := io.Pipe()
	go func() {
		_, _ = w.Write(make([]byte, 100_000))
		cancel()
		_ = w.CloseWithError(context.Canceled)
	}()
	if err := sub.AddFile(ctx, "x", r); !errors.Is(err, context.Canceled) {
		t.Errorf("AddFile: %v, want context.Canceled", err)
	}
	sub.Abandon(ctx)
	if _, records, objects := s.count(t); records+objects != 0 {
		t.Errorf("left at once: %d records, %d objects", records, objects)
	}
}

// hanging takes some bytes and then none, until it is told to stop.
type hanging struct{ dossier.Objects }

func (hanging) Put(ctx context.Context, _ string, r io.Reader) (dossier.Held, error) {
	_, _ = r.Read(make([]byte, 4))
	<-ctx.Done()
	return dossier.Held{}, ctx.Err()
}

func (hanging) Delete(context.Context, string) error { return nil }

func (hanging) DeleteThumbnail(context.Context, dossier.PersonID, dossier.FileID) error { return nil }

// memory stands in for two stores where only time matters.
type memory struct {
	dossier.People
	dossier.Catalog
	person dossier.Person
}

func (m *memory) Insert(_ context.Context, p dossier.Person) error { m.person = p; return nil }

func (m *memory) Words(context.Context, dossier.PersonID) (dossier.Worded, error) {
	return dossier.Worded{Person: m.person}, nil
}

func (m *memory) Person(context.Context, dossier.PersonID) (dossier.Person, error) {
	return m.person, nil
}

func (m *memory) Put(context.Context, dossier.File) error { return nil }

func (m *memory) Remove(context.Context, dossier.PersonID, dossier.FileID, time.Time) (*dossier.File, error) {
	return nil, nil
}

func (m *memory) Reserve(context.Context, dossier.PersonID, dossier.Quota, dossier.Quota, time.Time) (dossier.Usage,
	error) {
	return dossier.Usage{}, nil
}

func (m *memory) Usage(context.Context, dossier.PersonID) (dossier.Usage, error) {
	return dossier.Usage{}, nil
}

func (m *memory) MarkDeleting(context.Context, dossier.PersonID, dossier.FileID, time.Time,
	...dossier.FileState) error {
	return nil
}

func TestStalledStoreIsUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		svc := dossier.New(m, m, hanging{}, dossier.Options{Stall: 30 * time.Second})
		sub, err := svc.Begin(t.Context(), dossier.NewReceipt(), ada)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		err = sub.AddFile(t.Context(), "x", strings.NewReader("some bytes"))
		if !errors.Is(err, dossier.ErrUnavailable) {
			t.Errorf("AddFile: %v, want ErrUnavailable", err)
		}
		if waited := time.Since(began); waited != 30*time.Second {
			t.Errorf("gave up after %s, want 30s", waited)
		}
	})
}

// A sender that pauses longer than the store may is not mistaken for a stalled store.
func TestSlowSenderIsNoStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		done := make(chan struct{})
		svc := dossier.New(m, m, reading{done: done}, dossier.Options{Stall: 30 * time.Second})
		sub, err := svc.Begin(t.Context(), dossier.NewReceipt(), ada)
		if err != nil {
			t.Fatal(err)
		}
		r, w := io.Pipe()
		go func() {
			for range 5 {
				time.Sleep(10 * time.Minute)
				_, _ = w.Write([]byte("x"))
			}
			_ = w.Close()
		}()
		// reading.Stat does not know the object; getting as far is what counts.
		if err := sub.AddFile(t.Context(), "x", r); errors.Is(err, dossier.ErrUnavailable) {
			t.Errorf("AddFile: %v", err)
		}
		<-done
	})
}

type reading struct {
	dossier.Objects
	done chan struct{}
}

func (o reading) Put(_ context.Context, _ string, r io.Reader) (dossier.Held, error) {
	defer close(o.done)
	_, err := io.Copy(io.Discard, r)
	return dossier.Held{}, err
}

func (reading) Delete(context.Context, string) error { return nil }

func (reading) DeleteThumbnail(context.Context, dossier.PersonID, dossier.FileID) error { return nil }

// What hashes a large file ends with it, also where the body breaks off: synctest counts the goroutines.
func TestLargeBodyBreaksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		svc := dossier.New(m, m, reading{done: make(chan struct{})}, dossier.Options{Stall: 30 * time.Second})
		sub, err := svc.Begin(t.Context(), dossier.NewReceipt(), ada)
		if err != nil {
			t.Fatal(err)
		}
		body := io.MultiReader(bytes.NewReader(make([]byte, 3<<20)), broken{})
		if err := sub.AddFile(t.Context(), "half", body); !errors.Is(err, errInjected) {
			t.Errorf("AddFile: %v, want the reader's own error", err)
		}
	})
}
