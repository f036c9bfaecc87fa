// Package thumbnail makes small pictures of pictures that strangers sent.
//
// Decoders are where hostile bytes do most harm, so none runs in the program that serves: Maker starts the same program
// anew for each picture, as a child that has nothing but the picture's bytes, bounded memory and bounded processor
// time, and that can be killed. What the child does with the bytes is Make; Child bounds itself and calls it.
package thumbnail

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"

	"github.com/bep/imagemeta"
	xdraw "golang.org/x/image/draw"
	"golang.org/x/image/webp"

	"dossier.example/app"
	"dossier.example/app/bounds"
)

const (
	// width and height are the box that a thumbnail fits in, in pixels: twice that of a person's page, for fine
	// screens.
	width, height = 640, 480
	// maxSide is what JPEG and GIF can say at most.
	maxSide = 1<<16 - 1
)

// qualities are those of JPEG that are tried in turn, until a thumbnail is small enough.
var qualities = []int{82, 60, 35}

// format is a kind of picture: how its bytes begin, and what reads them.
type format struct {
	name   string
	is     func(b []byte) bool
	config func(b []byte) (image.Config, error)
	decode func(b []byte) (image.Image, error)
	// exif is how its metadata are found; zero where it has none.
	exif imagemeta.ImageFormat
}

// formats are named here and not registered with package image, so that no import can add one.
var formats = []format{
	{
		"JPEG", begins("\xff\xd8\xff"),
		func(b []byte) (image.Config, error) { return jpeg.DecodeConfig(bytes.NewReader(b)) },
		func(b []byte) (image.Image, error) { return jpeg.Decode(bytes.NewReader(b)) },
		imagemeta.JPEG,
	},
	{
		"PNG", begins("\x89PNG\r\n\x1a\n"),
		func(b []byte) (image.Config, error) { return png.DecodeConfig(bytes.NewReader(b)) },
		func(b []byte) (image.Image, error) { return png.Decode(bytes.NewReader(b)) },
		imagemeta.PNG,
	},
	{
		// The first frame alone is read.
		"GIF", begins("GIF8"),
		func(b []byte) (image.Config, error) { return gif.DecodeConfig(bytes.NewReader(b)) },
		func(b []byte) (image.Image, error) { return gif.Decode(bytes.NewReader(b)) },
		0,
	},
	{
		"WebP", func(b []byte) bool { return len(b) > 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP" },
		func(b []byte) (image.Config, error) { return webp.DecodeConfig(bytes.NewReader(b)) },
		func(b []byte) (image.Image, error) { return webp.Decode(bytes.NewReader(b)) },
		imagemeta.WebP,
	},
}

func begins(with string) func([]byte) bool {
	return func(b []byte) bool { return bytes.HasPrefix(b, []byte(with)) }
}

// Make returns a thumbnail of a picture: a JPEG of at most dossier.MaxThumbnail bytes, turned as the picture's EXIF
// data say, and without them or any other data of the picture. What is transparent becomes white.
//
// It keeps to no bound of memory or time but that of pixels, which the picture's own header says.
func Make(picture []byte) ([]byte, error) {
	var f *format
	for i := range formats {
		if formats[i].is(picture) {
			f = &formats[i]
		}
	}
	if f == nil {
		return nil, errors.New("it is no JPEG, PNG, GIF or WebP")
	}
	config, err := f.config(picture)
	if err != nil {
		return nil, fmt.Errorf("read the header of a %s: %w", f.name, err)
	}
	w, h := config.Width, config.Height
	if w < 1 || h < 1 || w > maxSide || h > maxSide || w*h > bounds.PicturePixels {
		return nil, fmt.Errorf("a %s of %d x %d pixels; up to %d are decoded", f.name, w, h, bounds.PicturePixels)
	}
	m, err := f.decode(picture)
	if err != nil {
		return nil, fmt.Errorf("decode a %s: %w", f.name, err)
	}
	turn := orientation(picture, f.exif)
	box := image.Pt(width, height)
	if turn >= 5 { // lies on its side
		box = image.Pt(height, width)
	}
	for ; ; box = box.Div(2) {
		small := turned(shrunk(m, box), turn)
		for _, quality := range qualities {
			var out bytes.Buffer
			if err := jpeg.Encode(&out, small, &jpeg.Options{Quality: quality}); err != nil {
				return nil, fmt.Errorf("encode the thumbnail: %w", err)
			}
			if out.Len() <= dossier.MaxThumbnail {
				return out.Bytes(), nil
			}
		}
	}
}

// fit returns the size of a picture that was shrunk into a box; it is never enlarged.
func fit(size, box image.Point) image.Point {
	w, h := size.X, size.Y
	if w > box.X {
		w, h = box.X, h*box.X/w
	}
	if h > box.Y {
		w, h = w*box.Y/h, box.Y
	}
	return image.Pt(max(w, 1), max(h, 1))
}

// shrunk returns the picture on white, as large as fits in the box. Most of the way it takes the mean of blocks of
// pixels, row by row and so in little memory: a good filter over all of a large picture would need as much again.
func shrunk(m image.Image, box image.Point) *image.RGBA {
	size, to := m.Bounds().Size(), fit(m.Bounds().Size(), box)
	across, down := max(1, size.X/(2*to.X)), max(1, size.Y/(2*to.Y))
	middle := image.NewRGBA(image.Rect(0, 0, (size.X+across-1)/across, (size.Y+down-1)/down))
	if across == 1 && down == 1 {
		onWhite(middle, m, m.Bounds().Min)
	} else {
		rows := image.NewRGBA(image.Rect(0, 0, size.X, down))
		for y := range middle.Rect.Dy() {
			onWhite(rows, m, m.Bounds().Min.Add(image.Pt(0, y*down)))
			n := min(down, size.Y-y*down)
			for x := range middle.Rect.Dx() {
				middle.SetRGBA(x, y, mean(rows, image.Rect(x*across, 0, min((x+1)*across, size.X), n)))
			}
		}
	}
	if middle.Rect.Max == to {
		return middle
	}
	small := image.NewRGBA(image.Rectangle{Max: to})
	xdraw.CatmullRom.Scale(small, small.Rect, middle, middle.Rect, xdraw.Src, nil)
	return small
}

// onWhite draws what of a picture is from a point on, on white.
func onWhite(to *image.RGBA, m image.Image, from image.Point) {
	draw.Draw(to, to.Rect, image.White, image.Point{}, draw.Src)
	draw.Draw(to, to.Rect, m, from, draw.Over)
}

// mean returns the mean of the opaque pixels of a block.
func mean(m *image.RGBA, block image.Rectangle) color.RGBA {
	var r, g, b, n int
	for y := block.Min.Y; y < block.Max.Y; y++ {
		row := m.Pix[m.PixOffset(block.Min.X, y) : m.PixOffset(block.Max.X-1, y)+4]
		for i := 0; i < len(row); i += 4 {
			r, g, b, n = r+int(row[i]), g+int(row[i+1]), b+int(row[i+2]), n+1
		}
	}
	return color.RGBA{uint8((r + n/2) / n), uint8((g + n/2) / n), uint8((b + n/2) / n), 0xff}
}

// orientation returns how a picture is to be turned, as EXIF says: 1 to 8, and 1 for whatever it does not say.
func orientation(picture []byte, kind imagemeta.ImageFormat) int {
	turn := 1
	if kind == 0 {
		return turn
	}
	// Of data that cannot be read what was read before counts, as browsers have it: the picture itself is whole.
	_, _ = imagemeta.Decode(imagemeta.Options{
		R: bytes.NewReader(picture), ImageFormat: kind, Sources: imagemeta.EXIF,
		ShouldHandleTag: func(tag imagemeta.TagInfo) bool {
			return tag.Tag == "Orientation" && tag.Namespace == "IFD0"
		},
		HandleTag: func(tag imagemeta.TagInfo) error {
			if v, ok := tag.Value.(uint16); ok && v >= 1 && v <= 8 {
				turn = int(v)
			}
			return imagemeta.ErrStopWalking
		},
	})
	return turn
}

// turned returns a picture as it is to be seen that was recorded with an orientation (Exif 3.0, tag 0112: where its
// first row and its first column are to be seen).
func turned(m *image.RGBA, orientation int) *image.RGBA {
	if orientation == 1 {
		return m
	}
	w, h := m.Rect.Dx(), m.Rect.Dy()
	to := image.NewRGBA(image.Rect(0, 0, w, h))
	if orientation >= 5 {
		to = image.NewRGBA(image.Rect(0, 0, h, w))
	}
	at := map[int]func(x, y int) image.Point{
		2: func(x, y int) image.Point { return image.Pt(w-1-x, y) },
		3: func(x, y int) image.Point { return image.Pt(w-1-x, h-1-y) },
		4: func(x, y int) image.Point { return image.Pt(x, h-1-y) },
		5: func(x, y int) image.Point { return image.Pt(y, x) },
		6: func(x, y int) image.Point { return image.Pt(h-1-y, x) },
		7: func(x, y int) image.Point { return image.Pt(h-1-y, w-1-x) },
		8: func(x, y int) image.Point { return image.Pt(y, w-1-x) },
	}[orientation]
	for y := range h {
		for x := range w {
			p := at(x, y)
			to.SetRGBA(p.X, p.Y, m.RGBAAt(x, y))
		}
	}
	return to
}
