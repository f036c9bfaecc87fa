package thumbnail

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"

	"dossier.example/app"
)

var (
	red, green = color.RGBA{0xe0, 0x20, 0x20, 0xff}, color.RGBA{0x20, 0xb0, 0x20, 0xff}
	blue, gray = color.RGBA{0x20, 0x20, 0xe0, 0xff}, color.RGBA{0x90, 0x90, 0x90, 0xff}
	white      = color.RGBA{0xff, 0xff, 0xff, 0xff}
)

// quarters returns a picture of four colors: top left, top right, bottom left, bottom right.
func quarters(w, h int, of [4]color.RGBA) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	drawQuarters(m, of)
	return m
}

// drawQuarters makes quarters of any kind of picture.
func drawQuarters(m draw.Image, of [4]color.RGBA) {
	size := m.Bounds().Max
	for i, c := range of {
		// Of odd sides, the first halves are the larger.
		from := image.Pt(i%2*((size.X+1)/2), i/2*((size.Y+1)/2))
		draw.Draw(m, image.Rectangle{Min: from, Max: size}, image.NewUniform(c), image.Point{}, draw.Src)
	}
}

// isQuarters compares the middles of the four quarters, as far as JPEG keeps colors.
func isQuarters(t *testing.T, thumbnail []byte, w, h int, want [4]color.RGBA) {
	t.Helper()
	m, err := jpeg.Decode(bytes.NewReader(thumbnail))
	if err != nil {
		t.Fatalf("the thumbnail: %v", err)
	}
	if size := m.Bounds().Size(); size != image.Pt(w, h) {
		t.Fatalf("the thumbnail has %v pixels, want %d x %d", size, w, h)
	}
	for i, c := range want {
		x, y := w/4+i%2*(w/2), h/4+i/2*(h/2)
		r, g, b, _ := m.At(x, y).RGBA()
		for channel, d := range []int{int(r>>8) - int(c.R), int(g>>8) - int(c.G), int(b>>8) - int(c.B)} {
			if d < -12 || d > 12 {
				t.Errorf("quarter %d is %v, want %v (channel %d)", i, m.At(x, y), c, channel)
			}
		}
	}
}

func encoded(t testing.TB, encode func(*bytes.Buffer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asJPEG(t testing.TB, m image.Image) []byte {
	return encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, m, &jpeg.Options{Quality: 95}) })
}

func asPNG(t testing.TB, m image.Image) []byte {
	return encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, m) })
}

func made(t *testing.T, picture []byte) []byte {
	t.Helper()
	b, err := Make(picture)
	if err != nil {
		t.Fatalf("Make: %v", err)
	}
	if !dossier.IsThumbnail(b) {
		t.Fatalf("Make returned %d bytes that are no thumbnail", len(b))
	}
	return b
}

// whereabouts is what a phone writes beside a picture, and nobody is to find in a thumbnail.
const whereabouts = "Whereabouts of Ada"

// exif returns EXIF data: an orientation, a camera's name, and a directory of GPS data that has a name in it.
func exif(orientation int) []byte {
	text := whereabouts + "\x00"
	const entries, gps = 8 + 2 + 3*12 + 4, 8 + 2 + 3*12 + 4 + 2 + 12 + 4
	b := []byte("MM\x00\x2a\x00\x00\x00\x08")
	entry := func(tag, kind uint16, count, value uint32) {
		b = binary.BigEndian.AppendUint16(b, tag)
		b = binary.BigEndian.AppendUint16(b, kind)
		b = binary.BigEndian.AppendUint32(b, count)
		b = binary.BigEndian.AppendUint32(b, value)
	}
	b = append(b, 0, 3)
	entry(0x010f, 2, uint32(len(text)), gps)
	entry(0x0112, 3, 1, uint32(orientation)<<16)
	entry(0x8825, 4, 1, entries)
	b = append(b, 0, 0, 0, 0)
	b = append(b, 0, 1)
	entry(0x001b, 7, uint32(len(text)), gps)
	b = append(b, 0, 0, 0, 0)
	return append(b, text...)
}

// jpegWith puts EXIF data behind the beginning of a JPEG.
func jpegWith(picture, exif []byte) []byte {
	segment := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(2+6+len(exif)))
	segment = append(append(segment, "Exif\x00\x00"...), exif...)
	return append(append(bytes.Clone(picture[:2]), segment...), picture[2:]...)
}

// pngWith puts a chunk behind the header of a PNG.
func pngWith(picture []byte, name string, data []byte) []byte {
	const header = 8 + 4 + 4 + 13 + 4
	return append(append(bytes.Clone(picture[:header]), pngChunk(name, data)...), picture[header:]...)
}

func pngChunk(name string, data []byte) []byte {
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	chunk = append(append(chunk, name...), data...)
	return binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
}

func TestMakeTurns(t *testing.T) {
	t.Parallel()
	upright := [4]color.RGBA{red, green, blue, gray}
	// How a camera records the upright picture, by where its first row and first column are to be seen (Exif 3.0, tag
	// 0112).
	recorded := map[int][4]color.RGBA{
		1: {red, green, blue, gray}, 2: {green, red, gray, blue}, 3: {gray, blue, green, red}, 4: {blue, gray, red, green},
		5: {red, blue, green, gray}, 6: {green, gray, red, blue}, 7: {gray, green, blue, red}, 8: {blue, red, gray, green},
	}
	for orientation, as := range recorded {
		for _, large := range []int{1, 12} {
			w, h := 64*large, 48*large
			if orientation >= 5 {
				w, h = h, w
			}
			m := quarters(w, h, as)
			for name, picture := range map[string][]byte{
				"JPEG": jpegWith(asJPEG(t, m), exif(orientation)), "PNG": pngWith(asPNG(t, m), "eXIf", exif(orientation)),
			} {
				t.Run(fmt.Sprintf("%s, orientation %d, times %d", name, orientation, large), func(t *testing.T) {
					b := made(t, picture)
					if large == 1 {
						isQuarters(t, b, 64, 48, upright)
					} else {
						isQuarters(t, b, width, height, upright)
					}
					if bytes.Contains(b, []byte("Exif")) || bytes.Contains(b, []byte(whereabouts)) {
						t.Error("the thumbnail has the picture's EXIF data")
					}
				})
			}
		}
	}
}

func TestMakeOddOrientations(t *testing.T) {
	colors := [4]color.RGBA{red, green, blue, gray}
	plain := asJPEG(t, quarters(64, 48, colors))
	for name, data := range map[string][]byte{
		"0": exif(0), "9": exif(9), "truncated": exif(6)[:20], "nothing": nil, "no TIFF": []byte("XXxxxxxx"),
	} {
		t.Run(name, func(t *testing.T) { isQuarters(t, made(t, jpegWith(plain, data)), 64, 48, colors) })
	}
}

// webPs are whole WebP pictures, which Go's libraries cannot write: 1 pixel without loss, and with VP8.
var webPs = map[string]string{
	"without loss": "RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00",
	"with loss": "RIFF\x24\x00\x00\x00WEBPVP8 \x18\x00\x00\x00\x30\x01\x00\x9d\x01\x2a\x01\x00\x01\x00\x02\x00\x34\x25" +
		"\xa4\x00\x03\x70\x00\xfe\xfb\xfd\x50\x00",
}

func TestMakeFormats(t *testing.T) {
	t.Parallel()
	colors := [4]color.RGBA{red, green, blue, gray}
	for _, size := range []image.Point{{64, 48}, {640, 480}, {641, 481}, {1000, 750}, {1500, 1125}} {
		m := quarters(size.X, size.Y, colors)
		w, h := min(size.X, width), min(size.Y, height)
		paletted := image.NewPaletted(m.Rect, color.Palette{red, green, blue, gray})
		drawQuarters(paletted, colors)
		second := image.NewPaletted(m.Rect, color.Palette{white})
		deep := image.NewRGBA64(m.Rect)
		drawQuarters(deep, colors)
		for name, picture := range map[string][]byte{
			"JPEG": asJPEG(t, m), "PNG": asPNG(t, m), "PNG with a palette": asPNG(t, paletted), "deep PNG": asPNG(t, deep),
			"GIF that moves": encoded(t, func(b *bytes.Buffer) error {
				return gif.EncodeAll(b, &gif.GIF{Image: []*image.Paletted{paletted, second}, Delay: []int{1, 1}})
			}),
		} {
			t.Run(fmt.Sprint(name, size), func(t *testing.T) { isQuarters(t, made(t, picture), w, h, colors) })
		}
	}
	for name, picture := range webPs {
		t.Run("WebP "+name, func(t *testing.T) { made(t, []byte(picture)) })
	}
	t.Run("transparent", func(t *testing.T) {
		clear := color.RGBA{}
		isQuarters(t, made(t, asPNG(t, quarters(64, 48, [4]color.RGBA{red, clear, clear, blue}))), 64, 48,
			[4]color.RGBA{red, white, white, blue})
	})
	for _, size := range []image.Point{{1, 1}, {1, 3000}, {3000, 1}, {maxSide, 1}, {2, maxSide}} {
		t.Run(fmt.Sprint("thin ", size), func(t *testing.T) { made(t, asPNG(t, image.NewGray(image.Rectangle{Max: size}))) })
	}
	t.Run("the mean of blocks", func(t *testing.T) {
		// With a small box, for in that of a thumbnail only pictures of millions of pixels come to blocks.
		small := shrunk(quarters(641, 481, colors), image.Pt(64, 48))
		isQuarters(t, asJPEG(t, small), 64, 48, colors)
	})
	t.Run("noise is small too", func(t *testing.T) {
		m := image.NewRGBA(image.Rect(0, 0, width, height))
		seed := uint32(1)
		for i := range m.Pix {
			seed = seed*1664525 + 1013904223
			m.Pix[i] = byte(seed>>24) | byte(i%4/3*0xff)
		}
		made(t, asPNG(t, m))
	})
	t.Run("no data of the picture", func(t *testing.T) {
		b := made(t, pngWith(asPNG(t, quarters(64, 48, colors)), "tEXt", []byte("Comment\x00"+whereabouts)))
		if bytes.Contains(b, []byte(whereabouts)) {
			t.Error("the thumbnail has the picture's comment")
		}
	})
}

// bombs are small files of which a decoder would make more than a machine has.
func bombs(t testing.TB) map[string][]byte {
	return map[string][]byte{
		"PNG":           flatPNG(t, 30_000, 30_000),
		"PNG of a line": pngHeader(1<<31-1, 1, 8),
		"JPEG":          jpegOf(0xc0, 65_500, 65_500),
		"GIF": []byte("GIF89a\xff\xff\xff\xff\x80\x00\x00\x00\x00\x00\xff\xff\xff," +
			"\x00\x00\x00\x00\xff\xff\xff\xff\x00\x02\x02\x44\x01\x00;"),
		// A header that says 1 x 1 before one that says 16,384 x 16,384.
		"WebP": []byte("RIFF\x2c\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" +
			"VP8L\x0d\x00\x00\x00\x2f\xff\xff\xff\x0f\x07\x10\x11\x11\x88\x88\xfe\x07\x00"),
		"WebP without a second header": []byte("RIFF\x1a\x00\x00\x00WEBP" +
			"VP8L\x0d\x00\x00\x00\x2f\xff\xff\xff\x0f\x07\x10\x11\x11\x88\x88\xfe\x07\x00"),
	}
}

func pngHeader(w, h uint32, depth byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, w)
	b = binary.BigEndian.AppendUint32(b, h)
	return append([]byte("\x89PNG\r\n\x1a\n"), pngChunk("IHDR", append(b, depth, 0, 0, 0, 0))...)
}

// flatPNG returns a whole black PNG of 1 bit a pixel.
func flatPNG(t testing.TB, w, h int) []byte {
	// Rows that are all black compress alike: a piece of them is compressed, and repeated.
	const most = 64
	row := make([]byte, 1+(w+7)/8)
	piece := func(n int) []byte {
		return encoded(t, func(b *bytes.Buffer) error {
			z, err := flate.NewWriter(b, flate.BestSpeed)
			if err != nil {
				return err
			}
			if _, err := z.Write(bytes.Repeat(row, n)); err != nil {
				return err
			}
			return z.Flush()
		})
	}
	rows := append([]byte("\x78\x01"), bytes.Repeat(piece(most), h/most)...)
	rows = append(append(rows, piece(h%most)...), "\x01\x00\x00\xff\xff"...)
	// The checksum of so many zeros (RFC 1950, section 8.2).
	rows = binary.BigEndian.AppendUint32(rows, uint32(h*len(row)%65521)<<16|1)
	b := append(pngHeader(uint32(w), uint32(h), 1), pngChunk("IDAT", rows)...)
	return append(b, pngChunk("IEND", nil)...)
}

// jpegOf returns the beginning of a JPEG in gray: up to the first scan.
func jpegOf(kind byte, w, h uint16) []byte {
	b := []byte{0xff, 0xd8, 0xff, 0xdb, 0, 67, 0}
	b = append(b, bytes.Repeat([]byte{1}, 64)...)
	b = append(b, 0xff, kind, 0, 11, 8)
	b = binary.BigEndian.AppendUint16(b, h)
	b = binary.BigEndian.AppendUint16(b, w)
	return append(b, 1, 1, 0x11, 0)
}

func TestMakeRefuses(t *testing.T) {
	t.Parallel()
	whole := map[string][]byte{
		"JPEG": asJPEG(t, quarters(640, 480, [4]color.RGBA{red, green, blue, gray})),
		"PNG":  asPNG(t, quarters(640, 480, [4]color.RGBA{red, green, blue, gray})),
		"GIF": encoded(t, func(b *bytes.Buffer) error {
			return gif.Encode(b, quarters(640, 480, [4]color.RGBA{red, green, blue, gray}), nil)
		}),
	}
	for name, picture := range bombs(t) {
		t.Run("bomb of "+name, func(t *testing.T) {
			if len(picture) > 200<<10 {
				t.Fatalf("the bomb has %d bytes", len(picture))
			}
			if b, err := Make(picture); err == nil {
				t.Errorf("Make returned %d bytes", len(b))
			}
		})
	}
	for name, picture := range whole {
		for _, part := range []int{3, 12, len(picture) / 50, len(picture) / 2} {
			t.Run(fmt.Sprintf("%s of %d bytes", name, part), func(t *testing.T) {
				if b, err := Make(picture[:part]); err == nil {
					t.Errorf("Make returned %d bytes", len(b))
				}
			})
		}
	}
	for name, other := range map[string]string{
		"nothing": "", "SVG": `<svg xmlns="http://www.w3.org/2000/svg"/>`, "BMP": "BM" + strings.Repeat("\x00", 100),
		"TIFF": "II*\x00\x08\x00\x00\x00", "HEIC": "\x00\x00\x00\x18ftypheic\x00\x00\x00\x00heicmif1",
	} {
		t.Run(name, func(t *testing.T) {
			if b, err := Make([]byte(other)); err == nil {
				t.Errorf("Make returned %d bytes", len(b))
			}
		})
	}
}

func FuzzMake(f *testing.F) {
	m := quarters(16, 12, [4]color.RGBA{red, green, blue, gray})
	f.Add(jpegWith(asJPEG(f, m), exif(6)))
	f.Add(pngWith(asPNG(f, m), "eXIf", exif(5)))
	f.Add(encoded(f, func(b *bytes.Buffer) error { return gif.Encode(b, m, nil) }))
	for _, picture := range webPs {
		f.Add([]byte(picture))
	}
	for _, picture := range bombs(f) {
		f.Add(picture)
	}
	f.Fuzz(func(t *testing.T, picture []byte) {
		for _, format := range formats {
			// Larger ones are a child's to bound.
			if config, err := format.config(picture); err == nil && config.Width*config.Height > 1<<20 {
				return
			}
		}
		b, err := Make(picture)
		if err != nil {
			return
		}
		if !dossier.IsThumbnail(b) {
			t.Fatalf("Make returned %d bytes that are no thumbnail", len(b))
		}
		if config, err := jpeg.DecodeConfig(bytes.NewReader(b)); err != nil || config.Width > width ||
			config.Height > height {
			t.Fatalf("Make returned a thumbnail of %d x %d pixels, %v", config.Width, config.Height, err)
		}
	})
}
