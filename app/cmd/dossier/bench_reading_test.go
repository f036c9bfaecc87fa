package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"dossier.example/app"
)

// What is read back: a person's archive of several large files, and one file that is larger.
const (
	archiveFiles     = 10
	archiveFileBytes = 200_000_000
	downloadBytes    = 1_000_000_000

	leastArchive  = 0.80
	leastDownload = 0.80
)

// BenchmarkReading measures how fast stored bytes leave the server:
//
//   - archive: the ZIP of a person's files, beside reading the same objects from the store;
//   - download: one file of the embedded store, into a file, beside a plain copy of it. Its bytes are compared with its
//     checksum on the way.
//
// Both sides of the embedded store begin with files that are not in memory, where the system can be told to forget
// them (Linux): what is read once is rarely there.
func BenchmarkReading(b *testing.B) {
	results := &results{}
	for _, kind := range kinds {
		b.Run(kind.name, func(b *testing.B) {
			s := kind.open(b)
			b.Run("archive", func(b *testing.B) { results.add(b, kind.name, s.archive(b)) })
			if s.data != "" {
				b.Run("download", func(b *testing.B) { results.add(b, kind.name, s.download(b)) })
			}
		})
	}
	results.print(os.Stdout)
}

// stored has a person submit files of a size, and returns the receipt and the files.
func (s *subject) stored(b *testing.B, files int, size int64) (dossier.Receipt, []dossier.File) {
	b.Helper()
	receipt := dossier.NewReceipt()
	sub, err := s.svc.Begin(b.Context(), receipt,
		dossier.Details{Name: "Grace Hopper", Location: "Arlington", Age: 85, Technology: "COBOL"})
	for i := 0; i < files && err == nil; i++ {
		err = sub.AddFile(b.Context(), fmt.Sprintf("file-%d.bin", i), &generated{at: int64(i), size: int64(i) + size})
	}
	if err == nil {
		err = sub.Acknowledge(b.Context())
	}
	if err != nil {
		b.Fatal(err)
	}
	var stored []dossier.File
	for _, out := range sub.Outcomes() {
		if out.File == nil {
			b.Fatalf("%s is not stored: %v", out.Name, out.Err)
		}
		stored = append(stored, *out.File)
	}
	b.Cleanup(func() {
		if err := s.svc.DeletePerson(context.WithoutCancel(b.Context()), receipt.Person); err != nil {
			b.Error(err)
		}
	})
	return receipt, stored
}

// path returns where the embedded store has the object of a file.
func (s *subject) path(f dossier.File) string {
	return filepath.Join(s.data, "objects", filepath.FromSlash(f.Key()))
}

// forget has the system forget what it has in memory of files, if their store is a folder.
func (s *subject) forget(b *testing.B, files []dossier.File) {
	b.Helper()
	for _, f := range files {
		if s.data == "" {
			return
		}
		if err := forgetFile(s.path(f)); err != nil {
			b.Fatal(err)
		}
	}
}

// archive compares the ZIP of a person's files with reading them from the store.
func (s *subject) archive(b *testing.B) comparison {
	const total = archiveFiles * archiveFileBytes
	c := comparison{what: fmt.Sprintf("ZIP of %d MB; plain: reading the same from the store", total/1_000_000),
		unit: "MB/s", least: leastArchive}
	receipt, files := s.stored(b, archiveFiles, archiveFileBytes)
	client := s.serve(b)
	buffer := make([]byte, 1<<20)
	for b.Loop() {
		s.forget(b, files)
		began := time.Now()
		for _, f := range files {
			r, err := s.stores.Objects.Open(b.Context(), f.Key(), 0, -1)
			if err != nil {
				b.Fatal(err)
			}
			n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, r, buffer)
			if err := cmp.Or(err, r.Close()); err != nil || n != archiveFileBytes {
				b.Fatalf("read %d bytes of an object: %v", n, err)
			}
		}
		c.plain = append(c.plain, total/1e6/time.Since(began).Seconds())
		s.forget(b, files)
		began = time.Now()
		n, err := client.fetch(b.Context(), receipt, "/files.zip", io.Discard, buffer)
		if err != nil || n < total {
			b.Fatalf("read %d bytes of the archive: %v", n, err)
		}
		c.form = append(c.form, total/1e6/time.Since(began).Seconds())
	}
	client.kill()
	return c
}

// download compares the download of a file into another one with a plain copy.
func (s *subject) download(b *testing.B) comparison {
	c := comparison{what: fmt.Sprintf("download of %d MB; plain: copy of the file", downloadBytes/1_000_000),
		unit: "MB/s", least: leastDownload}
	receipt, files := s.stored(b, 1, downloadBytes)
	client := s.serve(b)
	buffer := make([]byte, 1<<20)
	// into makes a file of what fill writes, durably, and returns how fast.
	into := func(fill func(io.Writer) (int64, error)) float64 {
		s.forget(b, files)
		name := filepath.Join(b.TempDir(), "copy")
		began := time.Now()
		f, err := os.Create(name)
		if err != nil {
			b.Fatal(err)
		}
		// A copy by the system alone would pass nothing through a program, and the client could not do the same.
		n, err := fill(struct{ io.Writer }{f})
		if err := cmp.Or(err, f.Sync(), f.Close()); err != nil || n != downloadBytes {
			b.Fatalf("copied %d bytes: %v", n, err)
		}
		took := time.Since(began)
		if err := os.Remove(name); err != nil {
			b.Fatal(err)
		}
		return downloadBytes / 1e6 / took.Seconds()
	}
	for b.Loop() {
		c.plain = append(c.plain, into(func(w io.Writer) (int64, error) {
			f, err := os.Open(s.path(files[0]))
			if err != nil {
				return 0, err
			}
			defer f.Close() // only read from
			return io.CopyBuffer(w, struct{ io.Reader }{f}, buffer)
		}))
		c.form = append(c.form, into(func(w io.Writer) (int64, error) {
			return client.fetch(b.Context(), receipt, "/files/"+files[0].ID.String(), w, buffer)
		}))
	}
	client.kill()
	return c
}

// fetch reads what a receipt's page leads to, and returns how many bytes it has.
func (c *client) fetch(ctx context.Context, receipt dossier.Receipt, path string, w io.Writer,
	buffer []byte) (int64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/receipt/"+receipt.Person.String()+path, nil)
	if err != nil {
		return 0, err
	}
	req.AddCookie(&http.Cookie{Name: "dossier_receipt", Value: receipt.String()})
	res, err := c.http.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("GET %s: %s", path, res.Status)
	}
	return io.CopyBuffer(struct{ io.Writer }{w}, res.Body, buffer)
}
