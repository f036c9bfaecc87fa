package main

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image/jpeg"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"dossier.example/app"
)

// flatPNG returns a whole black PNG of 1 bit a pixel.
func flatPNG(t *testing.T, w, h int) []byte {
	t.Helper()
	var rows bytes.Buffer
	z := zlib.NewWriter(&rows)
	for range h {
		if _, err := z.Write(make([]byte, 1+(w+7)/8)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	chunk := func(b []byte, name string, data []byte) []byte {
		b = binary.BigEndian.AppendUint32(b, uint32(len(data)))
		from := len(b)
		b = append(append(b, name...), data...)
		return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[from:]))
	}
	header := binary.BigEndian.AppendUint32(nil, uint32(w))
	header = append(binary.BigEndian.AppendUint32(header, uint32(h)), 1, 0, 0, 0, 0)
	b := chunk([]byte("\x89PNG\r\n\x1a\n"), "IHDR", header)
	b = chunk(b, "IDAT", rows.Bytes())
	return chunk(b, "IEND", nil)
}

var pictureLink = regexp.MustCompile(`<img src="(/people/[^"]+/picture)"`)

// TestThumbnails sends pictures to the real binary and looks at them as staff do: those of which none can be made too,
// by many at once.
func TestThumbnails(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	secret := strings.Repeat("s", 32)
	p := start(t, freeAddress(t), []string{"DOSSIER_DATA=" + data, "DOSSIER_STAFF_SECRET=" + secret,
		"DOSSIER_TRASH_RETENTION=0"})
	bomb, phone := flatPNG(t, 30_000, 30_000), landscape(t)
	if len(bomb) > 120<<10 {
		t.Fatalf("the bomb has %d bytes", len(bomb))
	}
	f := &form{receipt: dossier.NewReceipt(), files: [][]byte{bomb, phone, phone[:len(phone)/2]}}
	if err := f.post(t.Context(), p.base, new(atomic.Int64)); err != nil {
		t.Fatal(err)
	}

	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	staff := &http.Client{Jar: jar}
	ask := func(path string) (int, string, string) {
		res, err := staff.Get(p.base + path)
		if err != nil {
			t.Error(err)
			return 0, "", ""
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Errorf("read %s: %v", path, err)
		}
		return res.StatusCode, res.Header.Get("Content-Type"), string(b)
	}
	if res, err := staff.PostForm(p.base+"/staff/sign-in", url.Values{"key": {secret}}); err != nil {
		t.Fatal(err)
	} else if _ = res.Body.Close(); res.StatusCode != http.StatusOK {
		t.Fatalf("the sign-in answers %d", res.StatusCode)
	}
	person := "/people/" + f.receipt.Person.String()
	_, _, page := ask(person + "?view=cards")
	links := pictureLink.FindAllStringSubmatch(page, -1)
	if len(links) != 3 {
		t.Fatalf("the page shows %d pictures, want 3", len(links))
	}
	var wg sync.WaitGroup
	for range 8 {
		for _, link := range links {
			wg.Go(func() {
				status, kind, body := ask(link[1])
				switch {
				case status != http.StatusOK || kind != "image/jpeg" && kind != "image/svg+xml":
					t.Errorf("a picture answers %d, %s", status, kind)
				case kind == "image/jpeg":
					if m, err := jpeg.DecodeConfig(strings.NewReader(body)); err != nil || m.Width != 480 {
						t.Errorf("the thumbnail has %d x %d pixels, %v", m.Width, m.Height, err)
					}
				}
			})
		}
	}
	wg.Wait()
	made := map[string]int{}
	for _, link := range links {
		_, kind, _ := ask(link[1])
		made[kind]++
	}
	if made["image/jpeg"] != 1 || made["image/svg+xml"] != 2 {
		t.Errorf("the pictures are %v, want one thumbnail and two placeholders", made)
	}
	if n := strings.Count(p.output.String(), "picture without a thumbnail"); n != 2 {
		t.Errorf("two pictures of which no thumbnail can be made were tried %d times", n)
	}
	if most := peak(t, p.Process.Pid); most > 300<<10 {
		t.Errorf("the server took %d KiB", most)
	}

	folder := filepath.Join(data, "objects", "thumbs", f.receipt.Person.String())
	if kept, err := os.ReadDir(folder); err != nil || len(kept) != 3 {
		t.Errorf("%d thumbnails are kept, %v; want 3", len(kept), err)
	}
	token := regexp.MustCompile(`name="csrf" value="([^"]+)"`)
	_, _, confirm := ask(person + "/delete")
	res, err := staff.PostForm(p.base+person+"/delete", url.Values{"csrf": {token.FindStringSubmatch(confirm)[1]}})
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if _, err := os.Stat(folder); !os.IsNotExist(err) {
		t.Errorf("after the person's deletion the thumbnails' folder: %v", err)
	}
}

// peak returns the most memory that a process had, in KiB.
func peak(t *testing.T, pid int) (kib int) {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if n, err := fmt.Sscanf(line, "VmHWM: %d kB", &kib); n == 1 && err == nil {
			return kib
		}
	}
	t.Fatal("the system does not say how much memory the process had")
	return 0
}
