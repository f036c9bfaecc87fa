//go:build unix

package objects

import (
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	dossier "dossier.example/app"
	"dossier.example/app/internal/servers"
)

// testS3LittleMemory has many Puts at once share what two parts need.
func testS3LittleMemory(t *testing.T, cfg aws.Config) {
	s := openS3(t, cfg, S3Config{Memory: 2 * dossier.MinPartSize})
	ctx := bounded(t)
	const size = 2*dossier.MinPartSize + 1000
	crc := dossier.NewCRC64()
	if _, err := io.Copy(crc, byteStream(size)); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			key := newKey()
			if _, err := s.Put(ctx, key, byteStream(size)); err != nil {
				t.Errorf("Put beside others: %v", err)
				return
			}
			if h, err := s.Stat(ctx, key); err != nil || h != (dossier.Held{Size: size, CRC64: crc.Sum64()}) {
				t.Errorf("Stat = %+v, %v", h, err)
			}
		})
	}
	wg.Wait()
}

// testS3Leaks cancels many uploads in the middle and wants their goroutines and buffers gone.
func testS3Leaks(t *testing.T, cfg aws.Config) {
	transport := &http.Transport{}
	client := &http.Client{Transport: transport}
	var begun, aborted atomic.Int64
	s := openS3(t, through(cfg, func(r *http.Request) (*http.Response, error) {
		resp, err := client.Do(r)
		if err == nil && operation(r) == "CreateMultipartUpload" && resp.StatusCode == http.StatusOK {
			begun.Add(1)
		}
		if err == nil && r.Method == http.MethodDelete && r.URL.Query().Has("uploadId") &&
			resp.StatusCode == http.StatusNoContent {
			aborted.Add(1)
		}
		return resp, err
	}), S3Config{})
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	goroutines, before := runtime.NumGoroutine(), heap()
	const uploads = 12
	for i := range uploads {
		ctx, cancel := context.WithCancel(t.Context())
		at := dossier.MinPartSize + int64(i)*dossier.MinPartSize/4
		whole := byteStream(100 << 20)
		_, err := s.Put(ctx, newKey(), io.MultiReader(io.LimitReader(whole, at), readFunc(func(p []byte) (int, error) {
			cancel()
			return whole.Read(p)
		})))
		cancel()
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("Put cancelled after %d bytes: %v", at, err)
		}
	}
	if begun.Load() != uploads || aborted.Load() != uploads {
		t.Errorf("%d uploads begun, %d aborted; want %d", begun.Load(), aborted.Load(), uploads)
	}
	deadline := time.Now().Add(20 * time.Second)
	for {
		transport.CloseIdleConnections()
		n, h := runtime.NumGoroutine(), heap()
		// One upload holds a part and a half, so two that leaked would show.
		if n <= goroutines && h < before+2*dossier.MinPartSize {
			return
		}
		if time.Now().After(deadline) {
			stacks := make([]byte, 64<<10)
			t.Fatalf("%d goroutines, want %d; heap %d bytes more\n%s", n, goroutines, h-before,
				stacks[:runtime.Stack(stacks, true)])
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func testS3Memory(t *testing.T, cfg aws.Config) {
	const size, most = 256 << 20, 64 << 20
	s := openS3(t, cfg, S3Config{})
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	before, peak, read := m.HeapInuse, uint64(0), int64(0)
	crc, source := dossier.NewCRC64(), byteStream(size)
	_, err := s.Put(t.Context(), newKey(), readFunc(func(p []byte) (int, error) {
		n, err := source.Read(p)
		crc.Write(p[:n])
		if read/(1<<20) != (read+int64(n))/(1<<20) {
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapInuse)
		}
		read += int64(n)
		return n, err
	}))
	if err != nil || read != size {
		t.Fatalf("Put read %d bytes: %v", read, err)
	}
	t.Logf("heap in use before %d MiB, at most %d MiB", before>>20, peak>>20)
	if peak > most {
		t.Errorf("the heap grew to %d MiB; want at most %d MiB", peak>>20, most>>20)
	}
	for o, err := range s.List(t.Context(), dossier.ObjectPrefix, "") {
		if err != nil {
			t.Fatal(err)
		}
		if h, err := s.Stat(t.Context(), o.Key); err != nil || h != (dossier.Held{Size: size, CRC64: crc.Sum64()}) {
			t.Errorf("Stat = %+v, %v", h, err)
		}
	}
}

func TestS3Paused(t *testing.T) {
	t.Parallel()
	server := servers.S3(t)
	cfg := server.Config()
	s := openS3(t, cfg, S3Config{Timeout: 1500 * time.Millisecond})
	long := openS3(t, cfg, S3Config{Bucket: s.bucket})
	hasty := openS3(t, cfg, S3Config{Bucket: s.bucket, Timeout: 200 * time.Millisecond}) // for what has to fail
	large, ctx := newKey(), bounded(t)
	// More than all the buffers between the two processes hold.
	const size = 32 << 20
	if _, err := long.Put(ctx, large, byteStream(size)); err != nil {
		t.Fatal(err)
	}
	r, err := s.Open(ctx, large, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(r, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	source := byteStream(size)
	reached, paused := make(chan struct{}), make(chan struct{})
	var once sync.Once
	done := make(chan error, 1)
	cut := newKey()
	go func() {
		_, err := s.Put(ctx, cut, io.MultiReader(io.LimitReader(source, dossier.MinPartSize+1),
			readFunc(func(p []byte) (int, error) {
				once.Do(func() { close(reached) })
				<-paused
				return source.Read(p)
			})))
		done <- err
	}()
	select {
	case <-reached:
	case err := <-done:
		t.Fatalf("Put: %v", err)
	}

	server.Pause()
	close(paused)
	if err := <-done; !errors.Is(err, dossier.ErrUnavailable) || errors.Is(err, context.Canceled) {
		t.Errorf("Put in the middle: %v; want ErrUnavailable", err)
	}
	if n, err := io.Copy(io.Discard, r); !errors.Is(err, dossier.ErrUnavailable) || errors.Is(err, context.Canceled) {
		t.Errorf("reading in the middle: %d bytes, %v; want ErrUnavailable", n, err)
	}
	if err := r.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	expectUnavailable(t, hasty)

	server.Resume()
	// Whatever arrived late is without effect on what is visible, or is removed by whoever looks for it.
	if err := long.Ping(ctx); err != nil {
		t.Fatalf("Ping after the pause: %v", err)
	}
	if _, err := long.Stat(ctx, cut); !errors.Is(err, dossier.ErrNotFound) {
		t.Errorf("Stat of what was cut off: %v; want ErrNotFound", err)
	}
	if h, err := long.Stat(ctx, large); err != nil || h.Size != size {
		t.Errorf("Stat after the pause = %+v, %v", h, err)
	}
}
