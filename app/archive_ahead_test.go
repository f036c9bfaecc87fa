package dossier_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dossier.example/app"
)

// opened notes which objects are opened, and how many are open.
type opened struct {
	dossier.Objects
	mu         sync.Mutex
	keys       []string
	open, most int
	signal     chan struct{}
}

func (o *opened) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	r, err := o.Objects.Open(ctx, key, offset, length)
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.keys = append(o.keys, key)
	o.open++
	o.most = max(o.most, o.open)
	o.signal <- struct{}{}
	return openedObject{r, o}, nil
}

type openedObject struct {
	io.ReadCloser
	of *opened
}

func (c openedObject) Close() error {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	c.of.open--
	return c.ReadCloser.Close()
}

// The next file is opened before the end of the one before has been written, and none but that one. If the client then
// takes long, it is opened once more. Whatever happens, all are closed.
func TestArchiveOpensAhead(t *testing.T) {
	sizes := map[string]int64{}
	_, files := storedZeros(700_000, 10, 300_000)
	for _, f := range files {
		sizes[f.Key()] = f.Content.Size
	}
	descriptor := []byte("PK\a\b") // what follows the bytes of each file
	gone := errors.New("the client has left")
	for _, c := range []struct {
		name string
		// pause is how long the client takes for the end of each file; leaves is the end at which it leaves, from 1.
		pause  time.Duration
		leaves int
		// opens are the files that are opened.
		opens []int
	}{
		{"a quick client", 0, 0, []int{0, 1, 2}},
		{"a slow client", time.Minute, 0, []int{0, 1, 1, 2, 2}},
		{"a client that leaves", 0, 1, []int{0, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &opened{Objects: zeros{sizes: sizes}, signal: make(chan struct{}, 10)}
				svc := dossier.New(nil, listed{files: files}, store, dossier.Options{})
				a, ends := archiveOf(t, svc, files[0].Person), 0
				w := writerFunc(func(p []byte) (int, error) {
					if !bytes.HasPrefix(p, descriptor) {
						return len(p), nil
					}
					if ends++; ends == c.leaves {
						<-store.signal
						<-store.signal // the next one is open
						return 0, gone
					}
					time.Sleep(c.pause)
					return len(p), nil
				})
				err := a.Write(t.Context(), w)
				if left := c.leaves > 0; left != errors.Is(err, gone) || !left && err != nil {
					t.Errorf("Write: %v", err)
				}
				var want []string
				for _, i := range c.opens {
					want = append(want, files[i].Key())
				}
				if !slices.Equal(store.keys, want) {
					t.Errorf("opened %v, want %v", store.keys, want)
				}
				if store.open != 0 || store.most > 2 {
					t.Errorf("%d files are open afterwards, and %d were at once", store.open, store.most)
				}
			})
		})
	}
}
