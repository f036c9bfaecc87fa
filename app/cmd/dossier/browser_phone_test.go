package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// phones has what phones choose, and what becomes of a page on one.
func (c *chromium) phones(t *testing.T) {
	s := embeddedSite(t)
	s.runAll(t, []gatedTest{
		{"photos of one name", c.photosOfOneName},
		{"photos that lie on their side", c.turnedPhotos},
		{"kinds of files", c.phoneFiles},
		{"names", c.phoneNames},
		{"a size that is not known", c.sizeUnknown},
		{"a photo that vanishes", c.vanished},
		{"locked in the middle", c.locked},
		{"a line that breaks", c.breakingLine},
		{"the screen stays on", c.awake},
	})
}

// photosOfOneName sends several photos at once, each of which an iPhone calls image.jpg, and two of one size.
func (c *chromium) photosOfOneName(t *testing.T, s *gatedSite) {
	var photos []file
	for _, size := range []int{40_000, 50_000, 50_000} {
		f := file{name: "image.jpg", shown: "image.jpg", path: filepath.Join(t.TempDir(), "image.jpg"),
			content: noise(size)}
		writeFile(t, f.path, f.content)
		photos = append(photos, f)
	}
	p := c.tab(t, s.app.URL)
	p.send(photos...)
	p.arrives(photos...)

	plain := c.tab(t, s.app.URL)
	plain.withoutScripts()
	plain.open("/", http.StatusOK)
	plain.submission(photos...)
	plain.load(http.StatusOK, chromedp.Click(chromedp.CSS("#submission button[type=submit]")))
	plain.listed(photos)
	plain.same(photos...)
}

// turnedPhotos chooses photos in each way in which a camera may have lain: all are shown upright.
func (c *chromium) turnedPhotos(t *testing.T, s *gatedSite) {
	// The quarters of the picture as it was recorded, where it is to be seen as red, green, blue and gray.
	recorded := map[int]string{1: "rgba", 2: "grab", 3: "abgr", 4: "barg", 5: "rbga", 6: "garb", 7: "agbr", 8: "brag"}
	p := c.tab(t, s.app.URL)
	p.open("/", http.StatusOK)
	p.ready()
	var photos []file
	dir := t.TempDir()
	for orientation := 1; orientation <= 8; orientation++ {
		name := fmt.Sprintf("%d.jpg", orientation)
		f := file{name: name, shown: name, path: filepath.Join(dir, name),
			content: photo(t, orientation, recorded[orientation])}
		writeFile(t, f.path, f.content)
		photos = append(photos, f)
	}
	p.choose(photos...)
	p.until("all are drawn", `document.querySelectorAll(".upload-picture canvas").length === 8`)
	got := eval[[]string](p, `[...document.querySelectorAll(".upload-picture canvas")].map(canvas => {
		const {width, height} = canvas, pixels = canvas.getContext("2d").getImageData(0, 0, width, height).data;
		const at = (x, y) => {
			const [r, g, b] = pixels.slice(4 * (Math.floor(height * y) * width + Math.floor(width * x)));
			return r > 180 && g < 90 ? "r" : g > 180 && r < 90 ? "g" : b > 180 && r < 90 ? "b" : "a";
		};
		return (width > height ? "wide " : "high ") + at(.25, .25) + at(.75, .25) + at(.25, .75) + at(.75, .75);
	})`)
	if want := slices.Repeat([]string{"wide rgba"}, 8); !slices.Equal(got, want) {
		p.errorf("the photos are drawn as %q, want %q", got, want)
	}
}

// photo returns a JPEG that is to be seen wide, with four quarters as they were recorded.
func photo(t *testing.T, orientation int, quarters string) []byte {
	t.Helper()
	w, h := 640, 320
	if orientation >= 5 {
		w, h = h, w
	}
	colors := map[byte]color.RGBA{'r': {255, 0, 0, 255}, 'g': {0, 255, 0, 255}, 'b': {0, 0, 255, 255},
		'a': {128, 128, 128, 255}}
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.Set(x, y, colors[quarters[2*(2*y/h)+2*x/w]])
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	// Exif 3.0: one entry, tag 0112.
	exif := append([]byte("Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00"),
		byte(orientation), 0, 0, 0, 0, 0, 0)
	segment := append(binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(2+len(exif))), exif...)
	return slices.Concat(b.Bytes()[:2], segment, b.Bytes()[2:])
}

// phoneFiles sends what the cameras of phones make beside JPEGs, without the types that phones leave out.
func (c *chromium) phoneFiles(t *testing.T, s *gatedSite) {
	dir := t.TempDir()
	var files []file
	for _, one := range []struct{ name, begins string }{
		{"IMG_0001.HEIC", "\x00\x00\x00\x18ftypheic\x00\x00\x00\x00heicmif1"},
		{"IMG_0001.MOV", "\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00qt  "},
		{"IMG_0002", "\xff\xd8\xff\xe0\x00\x10JFIF\x00"},
	} {
		f := file{name: one.name, shown: one.name, path: filepath.Join(dir, one.name),
			content: append([]byte(one.begins), noise(1000)...)}
		writeFile(t, f.path, f.content)
		files = append(files, f)
	}
	p := c.tab(t, s.app.URL)
	p.send(files...)
	p.arrives(files...)
	p.shows("Picture (HEIC)", "Video (QuickTime)", "Picture (JPEG)")
}

// pasted gives the page files of any name, as none of this machine's folders could.
func (p *tab) pasted(files map[string]string) {
	p.t.Helper()
	script := "const brought = new DataTransfer();"
	for name, content := range files {
		script += fmt.Sprintf("brought.items.add(new File([%q], %q));", content, name)
	}
	eval[bool](p, `(() => { `+script+`
		const paste = {clipboardData: brought, bubbles: true, cancelable: true};
		document.body.dispatchEvent(new ClipboardEvent("paste", paste));
		return true;
	})()`)
}

// phoneNames sends files with the names that apps of phones give: a place in the phone's storage, nothing before or
// behind a dot, no name at all.
func (c *chromium) phoneNames(t *testing.T, s *gatedSite) {
	p := c.tab(t, s.app.URL)
	p.open("/", http.StatusOK)
	p.ready()
	files := map[string]string{"primary:Download/ticket.pdf": "a", "1A2B-3C4D:DCIM/shot.jpg": "b", ".": "c", "..": "d",
		"": "e", "image:1000012345": "f", ".pdf": "g", "plain": "h"}
	p.pasted(files)
	p.says("8 files added.")
	p.submission()
	p.press("#submission button[type=submit]")
	p.until("the receipt is there", `location.pathname.startsWith("/receipt/") && document.readyState === "complete"`)
	got := eval[[]string](p, `[...document.querySelectorAll(".table-files .file-name")].map(e => e.textContent)`)
	slices.Sort(got)
	if want := []string{".pdf", "image_1000012345", "plain", "shot.jpg", "ticket.pdf", "unnamed", "unnamed",
		"unnamed"}; !slices.Equal(got, want) {
		p.errorf("stored are %q, want %q", got, want)
	}
}

// sizeUnknown chooses a file of an app that says 0 of its size and has bytes when it is read, and one that is empty.
func (c *chromium) sizeUnknown(t *testing.T, s *gatedSite) {
	p := c.tab(t, s.app.URL)
	p.open("/", http.StatusOK)
	p.ready()
	eval[bool](p, `(() => {
		const unknown = new WeakSet();
		const size = Object.getOwnPropertyDescriptor(Blob.prototype, "size").get;
		Object.defineProperty(Blob.prototype, "size", {get() { return unknown.has(this) ? 0 : size.call(this); }});
		document.addEventListener("change", event => {
			for (const file of event.target.files ?? []) if (file.name === "cloud.bin") unknown.add(file);
		}, true);
		return true;
	})()`)
	dir := t.TempDir()
	cloud := file{name: "cloud.bin", shown: "cloud.bin", path: filepath.Join(dir, "cloud.bin"), content: noise(300_000)}
	empty := file{name: "empty.txt", shown: "empty.txt", path: filepath.Join(dir, "empty.txt")}
	for _, f := range []file{cloud, empty} {
		writeFile(t, f.path, f.content)
	}
	p.submission(cloud, empty)
	p.says("This file is empty.")
	p.says("Send 2 files (300 kB)")
	p.press("#submission button[type=submit]")
	p.arrives(cloud, empty)
}

// vanished takes a file away while it is sent, as phones do with the copies that their pickers make. The other arrives.
func (c *chromium) vanished(t *testing.T, s *gatedSite) {
	p := c.tab(t, s.app.URL)
	f, other := film(t, "gone.mov", 6), film(t, "stays.mov", 1)
	s.parts.hold(2, 3, 4)
	p.send(f, other)
	eventually(t, "parts are on their way", func() bool { sent, _ := s.parts.counts(3); return sent > 0 })
	if err := os.Remove(f.path); err != nil {
		t.Fatal(err)
	}
	s.parts.pass()
	p.says("was changed, moved or deleted after you chose it")
	p.says("1 of 2 files are stored")
	p.load(http.StatusOK, chromedp.Click(chromedp.CSS(".alert a")))
	p.arrives(other)
}

// lifecycle has the browser freeze the page, as phones do with one that is not seen, or wake it.
func (p *tab) lifecycle(state page.SetWebLifecycleStateState) {
	p.t.Helper()
	p.call(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, page.SetWebLifecycleState, page.SetWebLifecycleStateParams{State: state})
		return err
	})
}

// locked freezes the page while parts are under way, and breaks their connections.
func (c *chromium) locked(t *testing.T, s *gatedSite) {
	p := c.tab(t, s.app.URL)
	p.expect("/api/v1/")
	f := film(t, "walk.mov", 5)
	s.parts.lose(2, 3, 4, 5)
	p.send(f)
	s.parts.waitStored(t, 1)
	p.lifecycle(page.SetWebLifecycleStateStateFrozen)
	s.parts.forget()
	p.lifecycle(page.SetWebLifecycleStateStateActive)
	p.arrives(f)
	if sent, _ := s.parts.counts(1); sent != 0 {
		t.Errorf("what was there before was sent again %d times", sent)
	}
}

// breakingLine breaks each part off again and again when some of it was sent: one at a time is sent then, until it
// arrives.
func (c *chromium) breakingLine(t *testing.T, s *gatedSite) {
	p := c.tab(t, s.app.URL)
	p.expect("/api/v1/")
	f := film(t, "tunnel.mov", 4)
	const breaks = 6 // more than the page bears with a store that it cannot reach
	var mu sync.Mutex
	came := map[int]int{}
	total, now, most := 0, 0, 0
	s.parts.do(ofParts(func(w http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		total, now = total+1, now+1
		came[partOf(r)]++
		cuts := came[partOf(r)] <= breaks
		// The first four begin at once.
		if total > 8 {
			most = max(most, now)
		}
		mu.Unlock()
		defer func() {
			mu.Lock()
			defer mu.Unlock()
			now--
		}()
		return cuts && whole(cut)(w, r)
	}))
	p.open("/", http.StatusOK)
	p.ready()
	// It waits longer each time, unless it hears that there is a network.
	eval[bool](p, `setInterval(() => dispatchEvent(new Event("online")), 20), true`)
	p.submission(f)
	p.press("#submission button[type=submit]")
	p.arrives(f)
	mu.Lock()
	defer mu.Unlock()
	if most != 1 {
		t.Errorf("after several had broken off, %d were sent at once, want 1", most)
	}
}

// awake counts what the page asks of the phone's screen.
func (c *chromium) awake(t *testing.T, s *gatedSite) {
	p := c.tab(t, s.app.URL)
	p.open("/", http.StatusOK)
	p.ready()
	eval[bool](p, `window.locks = 0, navigator.wakeLock.request = async kind => {
		if (kind === "screen") window.locks++;
		return {release: async () => window.locks--};
	}, true`)
	f := film(t, "long.mov", 7) // one part more than are stored or under way when it pauses
	s.parts.hold(3, 4, 5, 6)
	p.submission(f)
	if n := eval[int](p, `window.locks`); n != 0 {
		p.errorf("the screen stays on before anything is sent")
	}
	p.press("#submission button[type=submit]")
	s.parts.waitStored(t, 1, 2)
	p.until("the screen stays on", `window.locks === 1`)
	p.pressNamed("Pause all")
	s.parts.pass()
	p.says("Paused at")
	p.until("the screen may go off", `window.locks === 0`)
	p.pressNamed("Resume all")
	p.arrives(f)
}
