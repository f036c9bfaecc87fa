package main

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// file is one that a test sends.
type file struct {
	name    string // on the sender's machine
	shown   string // on pages, and what it is called when it is downloaded
	path    string
	content []byte
}

// makeFiles writes a picture, a text, a page, an empty file and one with an odd name.
func makeFiles(t *testing.T) []file {
	t.Helper()
	files := []file{
		{name: "engine-house.png", content: landscape(t)},
		{name: "notes-by-the-translator.txt",
			content: []byte("The Analytical Engine has no pretensions whatever to originate anything.\n")},
		{name: "correspondence.html",
			content: []byte(
				`<!doctype html><title>Letters</title><script>document.title = "This script ran"</script><h1>Letters</h1>`)},
		{name: "empty.txt"},
		{name: `Zoë’s "best" 🎉 <notes>.txt`, shown: "Zoë’s _best_ 🎉 _notes_.txt",
			content: []byte("An odd name, and nothing more.\n")},
	}
	dir := t.TempDir()
	for i := range files {
		if files[i].shown == "" {
			files[i].shown = files[i].name
		}
		files[i].path = filepath.Join(dir, files[i].name)
		writeFile(t, files[i].path, files[i].content)
	}
	return files
}

// sparseFile makes a large file that takes no room on the disk.
func sparseFile(t *testing.T, name string, size int64) file {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	writeFile(t, path, nil)
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
	return file{name: name, shown: name, path: path}
}

func writeFile(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func shownNames(files []file) []string {
	var names []string
	for _, f := range files {
		names = append(names, f.shown)
	}
	return names
}

// landscape returns a PNG of 480 by 360 pixels: three ranges of hills before an evening sky.
func landscape(t *testing.T) []byte {
	t.Helper()
	const width, height = 480, 360
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			// In bands, so that the file stays small.
			dusk := uint8(y / 24 * 8)
			pixel := color.RGBA{70 + dusk, 110 + dusk/2, 160, 255}
			if math.Hypot(float64(x)-330, float64(y)-130) < 34 {
				pixel = color.RGBA{250, 214, 150, 255}
			}
			for i := range 3 {
				far := float64(i)
				crest := 190 + 55*far + 34*math.Sin(float64(x)/(62-10*far)+2*far) + 9*math.Sin(float64(x)/17+far)
				if float64(y) > crest {
					pixel = color.RGBA{88 - 26*uint8(i), 112 - 28*uint8(i), 120 - 26*uint8(i), 255}
				}
			}
			img.Set(x, y, pixel)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
