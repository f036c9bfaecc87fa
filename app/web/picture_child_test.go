package web_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"testing"

	"dossier.example/app/internal/servers"
	"dossier.example/app/thumbnail"
)

// TestMain lets the tests' own program be what makes a thumbnail.
func TestMain(m *testing.M) {
	thumbnail.Main()
	servers.MoreAtOnce()
	os.Exit(m.Run())
}

// pictureOf returns a PNG.
func pictureOf(t *testing.T, w, h int) string {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, w, h))
	for i := range m.Pix {
		m.Pix[i] = byte(i)
	}
	m.SetGray(0, 0, color.Gray{0xff})
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
