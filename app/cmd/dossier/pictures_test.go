package main

import (
	"bytes"
	"cmp"
	"context"
	"flag"
	"fmt"
	"html/template"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

var update = flag.Bool("update", false, "make the pictures in docs/ anew")

// pictures makes those of docs/ from the real pages. They are made each time, so that what makes them works, and kept
// with -update alone: no two machines draw letters alike, so they are not compared.
func (c *chromium) pictures(t *testing.T) {
	t.Run("of the pages", c.picturesOfPages)
	t.Run("of an upload", c.pictureOfUpload)
}

// picturesOfPages makes those of the form and of a person.
func (c *chromium) picturesOfPages(t *testing.T) {
	base, data := site(t)
	p := c.tab(t, base)
	p.open("/", http.StatusOK)
	p.ready()
	notes := strings.Repeat("Station 7. Wind from the west. The cairn is rebuilt. The marker lay under snow.\n", 380)
	stations := "station,easting,northing,height\n" + strings.Repeat("7,262911,844350,1018.4\n", 40)
	p.introduce(
		belonging(t, "ridge-at-dusk.png", landscape(t)),
		belonging(t, "field-notes.txt", []byte(notes)),
		belonging(t, "stations.csv", []byte(stations)),
	)
	p.keep("form.png", chromedp.FullScreenshot(100))
	p.load(http.StatusOK, chromedp.Click(chromedp.CSS("#submission button[type=submit]")))
	p.signIn(data)
	p.load(http.StatusOK, chromedp.Click(chromedp.CSS(".table-people tbody a")))
	p.keep("person.png", chromedp.FullScreenshot(100))
}

// frame is one of several that make a picture.
type frame struct {
	Caption string
	png     []byte
}

// The picture of an upload is as wide as GitHub shows it, in twice as many pixels. A frame shows a window somewhat
// wider than it is itself.
const (
	pictureWidth             = 880
	frameWidth, frameHeight  = 424, 304
	windowWidth, windowScale = 530, 2 * frameWidth / 530.0
	windowHeight             = windowWidth * frameHeight / frameWidth
)

// pictureOfUpload makes the one of an upload that loses its network: four frames, each taken when the page says what
// its caption says.
func (c *chromium) pictureOfUpload(t *testing.T) {
	s := embeddedSite(t)
	p := c.tab(t, s.app.URL)
	p.expect("/api/v1/")
	p.do(chromedp.EmulateViewport(windowWidth, windowHeight, chromedp.EmulateScale(windowScale)))
	survey := belonging(t, "survey-flights.zip", noise(94<<20))
	ridge := belonging(t, "ridge-at-dusk.png", landscape(t))
	var frames []frame
	take := func(at, caption string) {
		p.drawn()
		eval[bool](p, fmt.Sprintf(`scrollTo(0, document.querySelector(%q).getBoundingClientRect().top - 12), true`, at))
		frames = append(frames, frame{caption, p.photo(chromedp.CaptureScreenshot())})
	}
	// knows: the page was told that so many parts of the survey are stored, and the only one of the picture.
	knows := func(parts int) string {
		return fmt.Sprintf(`performance.getEntriesByType("resource")
			.filter(e => /\/parts\/[1-%d](\?|$)/.test(e.name)).length === %d`, parts, parts+1)
	}
	const sum = `(document.querySelector(".upload-sum")?.textContent ?? "")`
	const moves = `/ MB\/s · .* left$/.test(` + sum + `)`

	// Half of the file is there when the network goes. What is on its way then is lost: the browser alone would wait
	// for its answer.
	gone := make(chan struct{})
	s.parts.do(func(w http.ResponseWriter, r *http.Request) bool {
		if partOf(r) < 7 {
			return false
		}
		select {
		case <-gone:
		case <-t.Context().Done():
		}
		return cut(w, r)
	})
	p.open("/", http.StatusOK)
	p.ready()
	p.introduce(survey, ridge)
	p.line(true, 6<<20)
	p.press("#submission button[type=submit]")
	p.until("a third is there, and more comes", knows(4)+" && "+moves)
	take(".upload-total", "Sending")

	p.until("half is there", knows(6))
	p.networkIs(false)
	close(gone)
	p.until("nothing moves", sum+`.startsWith("50 MB of 99 MB") && `+sum+`.endsWith("waiting for the network")`)
	take(".upload-total", "The network is gone")

	s.parts.forget()
	// So that it is not over before it was seen.
	s.parts.hold(12)
	p.line(true, 6<<20)
	p.until("more comes", "parseInt("+sum+") > 68 && "+moves)
	take(".upload-total", "Back: only the missing parts are sent")

	s.parts.pass()
	p.networkIs(true)
	p.arrives(survey, ridge)
	for number := 1; number <= 6; number++ {
		if sent, _ := s.parts.counts(number); sent > 0 {
			t.Errorf("part %d was there before the network went and is sent again, which the picture denies", number)
		}
	}
	take("body", "Stored")
	c.compose(t, frames).keep("upload.png", chromedp.FullScreenshot(100))
}

// compose returns a tab that shows frames in two rows, each with its caption.
func (c *chromium) compose(t *testing.T, frames []frame) *tab {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		if err := sheet.Execute(w, map[string]any{"Frames": frames, "Width": frameWidth, "Height": frameHeight}); err != nil {
			t.Error(err)
		}
	})
	for i, f := range frames {
		mux.HandleFunc(fmt.Sprintf("GET /%d.png", i), func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(f.png) // what does not arrive fails to decode in the page
		})
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	p := c.tab(t, server.URL)
	p.do(chromedp.EmulateViewport(pictureWidth, 100, chromedp.EmulateScale(2)))
	p.open("/", http.StatusOK)
	return p
}

var sheet = template.Must(template.New("").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>An upload</title>
<link rel="icon" href="data:,">
<style>
  body { margin: 0; font: 16px/1.4 system-ui, sans-serif; background: #ffffff; color: #1b1f1d; }
  ol {
    display: grid; grid-template-columns: repeat(2, {{.Width}}px); gap: 20px 16px;
    margin: 0; padding: 8px; list-style: none; counter-reset: frame;
  }
  li { counter-increment: frame; }
  p { margin: 0 0 8px; font-weight: 600; }
  p::before {
    content: counter(frame); display: inline-block; width: 24px; margin-inline-end: 8px; border-radius: 50%;
    background: #0b5a4f; color: #fff; font-size: 14px; line-height: 24px; text-align: center;
  }
  li:nth-child(2) p::before { background: #774900; }
  img {
    display: block; box-sizing: border-box; width: {{.Width}}px; height: {{.Height}}px;
    border: 1px solid #dddbd3; border-radius: 8px;
  }
</style>
<ol>
  {{- range $i, $frame := .Frames}}
  <li><p>{{$frame.Caption}}</p><img src="{{$i}}.png" alt=""></li>
  {{- end}}
</ol>
`))

// belonging makes a file of the person in the pictures.
func belonging(t *testing.T, name string, content []byte) file {
	t.Helper()
	f := file{name: name, shown: name, path: filepath.Join(t.TempDir(), name), content: content}
	writeFile(t, f.path, content)
	return f
}

// introduce fills the form for the person in the pictures, who is nobody.
func (p *tab) introduce(files ...file) {
	p.t.Helper()
	p.fill("#name", "Mara Kinross")
	p.fill("#location", "Inverness")
	p.fill("#age", "34")
	p.fill("#technology", "PostGIS")
	p.choose(files...)
	eval[bool](p, `document.activeElement.blur(), true`)
}

// drawn waits until the page looks as it should, and goes to its top.
func (p *tab) drawn() {
	p.t.Helper()
	// Pictures outside the window are loaded too, and what scripts changed last has been drawn after two frames.
	eval[bool](p, `Promise.all([...document.images].map(i => { i.loading = "eager"; return i.decode(); }))
		.then(() => new Promise(drawn => {
			scrollTo(0, 0);
			requestAnimationFrame(() => requestAnimationFrame(() => drawn(true)));
		}))`, chromedp.EvalAwaitPromise)
}

// photo takes a screenshot.
func (p *tab) photo(take chromedp.Action[[]byte]) []byte {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	shot, err := chromedp.Run(ctx, take)
	if err != nil {
		p.fatalf("take a picture: %v", err)
	}
	return shot
}

// keep takes a picture for docs/.
func (p *tab) keep(name string, take chromedp.Action[[]byte]) {
	p.t.Helper()
	p.drawn()
	shot, err := png.Decode(bytes.NewReader(p.photo(take)))
	if err != nil {
		p.t.Fatal(err)
	}
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, fewColors(shot)); err != nil {
		p.t.Fatal(err)
	}
	if *update {
		writeFile(p.t, filepath.Join("..", "..", "..", "docs", name), b.Bytes())
	}
}

// fewColors returns the picture in 256 colors, which makes its file less than half as large: the most frequent ones
// that differ enough for the eye. What else pages have is on the edges of letters.
func fewColors(shot image.Image) *image.Paletted {
	bounds := shot.Bounds()
	full := image.NewRGBA(bounds)
	draw.Draw(full, bounds, shot, bounds.Min, draw.Src)
	count := map[color.RGBA]int{}
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			count[full.RGBAAt(x, y)]++
		}
	}
	frequent := slices.SortedFunc(maps.Keys(count), func(a, b color.RGBA) int {
		return cmp.Or(count[b]-count[a], int(a.R)-int(b.R), int(a.G)-int(b.G), int(a.B)-int(b.B))
	})
	var palette color.Palette
	for _, c := range frequent {
		taken := func(other color.Color) bool { return alike(c, other.(color.RGBA)) }
		if len(palette) < 256 && !slices.ContainsFunc(palette, taken) {
			palette = append(palette, c)
		}
	}
	nearest := map[color.RGBA]uint8{}
	for c := range count {
		nearest[c] = uint8(palette.Index(c))
	}
	few := image.NewPaletted(bounds, palette)
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			few.SetColorIndex(x, y, nearest[full.RGBAAt(x, y)])
		}
	}
	return few
}

// alike reports whether two colors can hardly be told apart.
func alike(a, b color.RGBA) bool {
	r, g, blue := int(a.R)-int(b.R), int(a.G)-int(b.G), int(a.B)-int(b.B)
	return r*r+g*g+blue*blue < 5*5
}
