package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// toldTests: files of one name are kept apart, and people are told what becomes of what they choose.
func (c *chromium) toldTests(t *testing.T) {
	s := embeddedSite(t)
	s.runAll(t, []gatedTest{
		{"two files of one name", c.sameName},
		{"chosen and not sent", c.unsent},
		{"the tab that sends is gone", c.senderGone},
		{"discarded from the form", c.discardedEarlier},
		{"the title of the tab", c.title},
		{"what nobody sees in a name", c.unseen},
		{"two names that become one", c.collision},
		{"added to a receipt without JavaScript", c.addedPlain},
		{"a browser without a database", c.noDatabase},
		{"a browser without cookies", c.noCookies},
		{"a receipt that opens nothing any more", c.closedMeanwhile},
	})
	t.Run("chosen and refused", c.refusedWhenChosen)
}

// twin makes a file of the name and the size of another, with other bytes, in a folder of its own.
func twin(t *testing.T, f file) file {
	t.Helper()
	f.path = filepath.Join(t.TempDir(), f.name)
	f.content = noise(len(f.content))
	writeFile(t, f.path, f.content)
	return f
}

// datedAs gives files one modification time.
func datedAs(t *testing.T, at time.Time, files ...file) {
	t.Helper()
	for _, f := range files {
		if err := os.Chtimes(f.path, at, at); err != nil {
			t.Fatal(err)
		}
	}
}

// sameName sends two photos of the name that a phone gives to every one, of one size and one time. The page is left
// while the second is sent. Only that one goes on later, whatever its time says, and a third one does not become a part
// of it.
func (c *chromium) sameName(t *testing.T, s *gatedSite) {
	p := c.tab(t, s.app.URL)
	first := film(t, "image.jpg", 3)
	second, third := twin(t, first), twin(t, first)
	datedAs(t, time.Now().Add(-time.Hour), first, second, third)
	p.send(first)
	p.until("the first is there", `location.pathname.startsWith("/receipt/") && document.readyState === "complete"`)
	receipt := p.location()
	p.ready()
	p.choose(second)
	p.says("1 file added.")
	s.parts.forget()
	s.parts.hold(3)
	p.pressNamed("Send 1 file (25 MB)")
	s.parts.waitStored(t, 1, 2)
	p.warned(func() { p.load(http.StatusOK, chromedp.Navigate(receipt)) })
	s.parts.forget()
	p.says("1 file is unfinished")
	p.shows("Some files are missing", "Choose the unfinished files again below to continue.")

	// The one that is stored is told from the one that is not.
	p.choose(first)
	p.says("image.jpg is already stored.")
	s.audit(p, "already-stored")

	// Another of the same size is a file of its own.
	datedAs(t, time.Now().Add(-time.Minute), third)
	p.choose(third)
	p.says("image.jpg is not the unfinished file of this name.")
	p.until("the other one is stored", `document.querySelectorAll(".upload[data-state=stored]").length === 1`)
	p.until("the unfinished one stays", `document.querySelectorAll(".upload[data-state=missing]").length === 1`)
	p.says("17 MB of 25 MB uploaded. Choose this file again to continue.")
	s.audit(p, "another-file")
	for number, want := range map[int]int{1: 1, 2: 1, 3: 1} {
		if sent, _ := s.parts.counts(number); sent != want {
			t.Errorf("part %d of the other file was sent %d times, want %d", number, sent, want)
		}
	}

	s.parts.forget()
	datedAs(t, time.Now(), second)
	p.choose(second)
	p.until("all are stored", `document.querySelectorAll(".table-files tbody tr").length === 3`)
	for number, want := range map[int]int{1: 0, 2: 0, 3: 1} {
		if sent, _ := s.parts.counts(number); sent > want {
			t.Errorf("part %d of the unfinished file was sent %d times more, want %d", number, sent, want)
		}
	}
	// The order of the list is that in which the files were announced.
	p.same(first, second, third)
}

// unsent leaves pages on which a file was chosen.
func (c *chromium) unsent(t *testing.T, s *gatedSite) {
	p := c.tab(t, s.app.URL)
	files := makeFiles(t)
	p.open("/", http.StatusOK)
	p.ready()
	p.press("#name") // browsers ask only on pages that somebody used
	p.choose(files[0])
	p.says("1 file added.")
	p.warned(func() { p.load(http.StatusOK, chromedp.Reload()) })
	p.ready()
	p.submission(files[0])
	p.unasked(func() {
		p.press("#submission button[type=submit]")
		p.arrives(files[0])
	})
	p.ready()
	p.choose(files[1])
	p.says("Send 1 file (73 B)")
	p.press(".add-files .drop-text")
	p.warned(func() { p.load(http.StatusOK, chromedp.Reload()) })
	p.unasked(func() { p.load(http.StatusOK, chromedp.Reload()) })
	p.ready()
	// Taken out of the list, it is not lost any more.
	p.choose(files[1])
	p.press(".add-files .drop-text")
	p.pressNamed("Remove " + files[1].name)
	p.unasked(func() { p.load(http.StatusOK, chromedp.Reload()) })

	plain := c.tab(t, s.app.URL)
	plain.first(`self.Worker = undefined`)
	plain.open("/", http.StatusOK)
	plain.submission(files[0])
	plain.until("the plain form lists what was chosen", `document.querySelectorAll(".chosen li").length === 1`)
	plain.warned(func() { plain.load(http.StatusOK, chromedp.Reload()) })
	plain.submission(files[0])
	plain.unasked(func() {
		plain.load(http.StatusOK, chromedp.Click(chromedp.CSS("#submission button[type=submit]")))
	})
	plain.listed(files[:1])
}

// unasked checks that the page asks nothing while something is done.
func (p *tab) unasked(do func()) {
	p.t.Helper()
	p.mu.Lock()
	before := len(p.asked)
	p.mu.Unlock()
	do()
	p.mu.Lock()
	defer p.mu.Unlock()
	if asked := p.asked[before:]; len(asked) > 0 {
		p.t.Errorf("the page asks %v, want no question", asked)
	}
}

// senderGone opens the receipt in a second tab while the first sends, and closes the first.
func (c *chromium) senderGone(t *testing.T, s *gatedSite) {
	first := c.tab(t, s.app.URL)
	f := film(t, "ferry.mov", 3)
	s.parts.hold(3)
	first.send(f)
	s.parts.waitStored(t, 1, 2)
	receipt := first.value("input[name=receipt]")
	second := c.sibling(t, first)
	second.open("/", http.StatusOK)
	second.says("Another tab is sending 1 file of an earlier submission")
	s.audit(second, "earlier-elsewhere")
	second.follow(s.app.URL + "/receipt#" + receipt)
	second.says("being sent in another tab")
	second.shows("Your files are being sent")
	first.warned(func() { first.do(chromedp.Navigate("about:blank")) })
	s.parts.forget()
	second.says("25 MB uploaded. Choose this file again to continue.")
	second.says("Some files are missing")
	second.choose(f)
	second.arrives(f)
	for _, number := range []int{1, 2} {
		if sent, _ := s.parts.counts(number); sent != 0 {
			t.Errorf("part %d was sent again %d times", number, sent)
		}
	}
}

// discardedEarlier discards, on the form, what an earlier submission did not finish.
func (c *chromium) discardedEarlier(t *testing.T, s *gatedSite) {
	p := c.tab(t, s.app.URL)
	f, picture := film(t, "unwanted.mov", 2), makeFiles(t)[0]
	s.parts.hold(2)
	p.send(f, picture)
	s.parts.waitStored(t, 1)
	p.until("the picture is stored", `document.querySelector(".upload:nth-child(2)").dataset.state === "stored"`)
	p.warned(func() { p.load(http.StatusOK, chromedp.Reload()) })
	s.parts.forget()
	p.pressNamed("Discard unfinished file…")
	p.says("Discard the unfinished file?")
	p.until("the question has the focus", `document.activeElement.textContent === "Discard the unfinished file?"`)
	s.audit(p, "discard-earlier")
	p.pressNamed("Keep")
	p.says("An earlier submission has 1 unfinished file")
	p.pressNamed("Discard unfinished file…")
	p.pressNamed("Discard")
	p.says("1 unfinished file discarded")
	s.audit(p, "discarded-earlier")
	p.load(http.StatusOK, chromedp.Click(chromedp.CSS(".unfinished a")))
	p.arrives(picture)
	p.ready()
	if n := eval[int](p, `document.querySelectorAll(".upload").length`); n != 0 {
		p.errorf("the receipt lists %d unfinished files, want none", n)
	}
}

// title watches the title of the tab while a file is sent.
func (c *chromium) title(t *testing.T, s *gatedSite) {
	p := c.tab(t, s.app.URL)
	f := film(t, "long.mov", 7) // one part more than are stored or under way when it pauses
	s.parts.hold(3, 4, 5, 6)
	p.send(f)
	s.parts.waitStored(t, 1, 2)
	p.until("the title says how far it is", `/^[1-9]\d% – Submit your details – Dossier$/.test(document.title)`)
	p.pressNamed("Pause all")
	s.parts.pass()
	p.says("Paused at")
	p.until("the title is back", `document.title === "Submit your details – Dossier"`)
	p.barsIn("none")
	p.barsIn("active")
	p.pressNamed("Resume all")
	p.arrives(f)
	if got := eval[string](p, `document.title`); strings.Contains(got, "%") {
		p.errorf("the receipt's title is %q", got)
	}
}

// barsIn checks that how far something is can be seen, in the page's own colors or those of the system.
func (p *tab) barsIn(forced string) {
	p.t.Helper()
	p.call(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "forced-colors", Value: forced}}})
		return err
	})
	p.drawn()
	boxes := eval[[]struct{ X, Y, Width, Height float64 }](p, `(scrollTo(0, 0),
		[...document.querySelectorAll("progress")].map((e) => e.getBoundingClientRect().toJSON()))`)
	if len(boxes) != 2 {
		p.fatalf("the page has %d bars, want that of the file and that of all", len(boxes))
	}
	photo, _, err := image.Decode(bytes.NewReader(p.photo(chromedp.FullScreenshot(100))))
	if err != nil {
		p.t.Fatal(err)
	}
	for i, box := range boxes {
		at := func(part float64) color.Color {
			return photo.At(int(box.X+part*box.Width), int(box.Y+box.Height/2))
		}
		if done, left := at(0.1), at(0.9); done == left {
			p.errorf("with forced-colors %s, bar %d has the color %v at both ends", forced, i, done)
		}
	}
}

// unseen types what other keyboards and contacts bring, and turns the mouse's wheel over the age.
func (c *chromium) unseen(t *testing.T, s *gatedSite) {
	p := c.tab(t, s.app.URL)
	p.open("/", http.StatusOK)
	p.ready()
	eval[bool](p, `document.querySelector("#name").value = "\u202AAda Lovelace\u202C\u200B", true`)
	p.fill("#location", "London")
	p.fill("#technology", "Analytical Engine")
	p.fill("#age", "36")
	p.call(func(ctx context.Context, target *chromedp.Target) error {
		at := eval[struct{ X, Y float64 }](p, `(() => {
			const age = document.querySelector("#age");
			age.scrollIntoView({block: "center", behavior: "instant"});
			const box = age.getBoundingClientRect();
			return {X: box.x + 20, Y: box.y + 10};
		})()`)
		for range 3 {
			if _, err := cdp.Call(ctx, target, input.DispatchMouseEvent, input.DispatchMouseEventParams{
				Type: input.DispatchMouseEventTypeMouseWheel, X: at.X, Y: at.Y, DeltaX: 1, DeltaY: 120,
			}); err != nil {
				return err
			}
		}
		return nil
	})
	if got := p.value("#age"); got != "36" {
		p.errorf("the wheel makes the age %q", got)
	}
	eval[bool](p, `document.querySelector("#age").value = "３６", true`)
	p.load(http.StatusOK, chromedp.Click(chromedp.CSS("#submission button[type=submit]")))
	p.until("the receipt is there", `location.pathname.startsWith("/receipt/") && document.readyState === "complete"`)
	if got, want := eval[[]string](p, `[...document.querySelectorAll(".details dd")].map(e => e.textContent).slice(0, 3)`),
		[]string{"Ada Lovelace", "London", "36"}; !slices.Equal(got, want) {
		p.errorf("the details are %q, want %q", got, want)
	}

	// The browser would show its own messages one at a time.
	p.open("/", http.StatusOK)
	p.ready()
	p.expect("/api/v1/people")
	eval[bool](p, `document.querySelector("#name").value = "\u202A\u0301", true`)
	p.press("#submission button[type=submit]")
	p.until("the faults are shown", `document.querySelectorAll("#summary li").length === 4`)
	p.shows("Must contain a letter or a digit.")
}

// collision sends two files whose names the server makes the same, with the same content: they stay two.
func (c *chromium) collision(t *testing.T, s *gatedSite) {
	p := c.tab(t, s.app.URL)
	dir := t.TempDir()
	files := []file{{name: "what?.txt", shown: "what_.txt"}, {name: "what*.txt", shown: "what_ (2).txt"}}
	for i := range files {
		files[i].path = filepath.Join(dir, files[i].name)
		files[i].content = []byte("The same.\n")
		writeFile(t, files[i].path, files[i].content)
	}
	p.send(files...)
	p.until("the receipt is there", `location.pathname.startsWith("/receipt/") && document.readyState === "complete"`)
	got := eval[[]string](p, `[...document.querySelectorAll(".table-files .file-name")].map(e => e.textContent)`)
	slices.Sort(got)
	if want := []string{"what_ (2).txt", "what_.txt"}; !slices.Equal(got, want) {
		p.errorf("stored are %q, want %q", got, want)
	}
}

// addedPlain sends a missing file again by what HTML alone can do.
func (c *chromium) addedPlain(t *testing.T, s *gatedSite) {
	files := makeFiles(t)[:2]
	sender := c.tab(t, s.app.URL)
	sender.send(files[0])
	sender.arrives(files[0])
	link := sender.value("#receipt-link")

	p := c.tab(t, s.app.URL)
	p.withoutScripts()
	p.load(http.StatusOK, chromedp.Navigate(link))
	p.fill("#receipt", link)
	p.load(http.StatusOK, chromedp.Click(chromedp.CSS("main button")))
	p.choose(files...)
	p.load(http.StatusOK, chromedp.Click(chromedp.CSS(".add-files button")))
	p.listed(files)

	// The same form, where only its script is missing.
	scripted := c.tab(t, s.app.URL)
	scripted.block("*://*:*/static/*/upload.js")
	scripted.follow(link)
	scripted.choose(files[1])
	s.audit(scripted, "receipt-plain")
}

// refusedWhenChosen chooses what is not taken, and the same again.
func (c *chromium) refusedWhenChosen(t *testing.T) {
	s := embeddedSite(t, "DOSSIER_MAX_FILE_SIZE=1MiB", "DOSSIER_MAX_PERSON_FILES=6", "DOSSIER_MAX_FILES=6")
	p := c.tab(t, s.app.URL)
	root := filepath.Join(t.TempDir(), "box")
	var files []file
	for i, size := range []int{100_000, 200_000, 2 << 20, 300_000, 400_000, 2 << 20, 10, 10, 10} {
		f := file{name: fmt.Sprintf("%d.bin", i), path: filepath.Join(root, fmt.Sprintf("%d.bin", i)), content: noise(size)}
		if err := os.MkdirAll(root, 0o755); err != nil {
			t.Fatal(err)
		}
		writeFile(t, f.path, f.content)
		files = append(files, f)
	}
	p.open("/", http.StatusOK)
	p.ready()
	if got := eval[string](p, `document.querySelector("#submission button[type=submit]").textContent`); got != "Send" {
		p.errorf("without a file the button says %q", got)
	}
	p.choose(files[:7]...)
	p.says("5 files added. 2 files not added: 2 files are larger than 1 MB.")
	p.says("Send 5 files (1 MB)")
	p.choose(files[7:]...)
	p.says("1 file added. 1 file not added: 8.bin is over the limit of 6 files.")
	s.audit(p, "refused-when-chosen")
	p.choose(files[0])
	p.says("0.bin is already in the list.")
	p.choose(files[:2]...)
	p.says("2 files are already in the list.")
	for _, name := range []string{"Remove 2.bin", "Remove 5.bin", "Remove 8.bin", "Remove 7.bin"} {
		p.pressNamed(name)
	}
	p.fill("#name", "Ada Lovelace")
	p.fill("#location", "London")
	p.fill("#age", "36")
	p.fill("#technology", "Analytical Engine")
	p.press("#submission button[type=submit]")
	p.until("the receipt is there", `location.pathname.startsWith("/receipt/") && document.readyState === "complete"`)
	p.ready()
	p.choose(files[0], files[7])
	p.says("1 file added. 0.bin is already stored.")
	p.says("Send 1 file (10 B)")
	if n := eval[int](p, `document.querySelectorAll(".upload").length`); n != 1 {
		p.errorf("the list has %d files, want the one that is not stored", n)
	}
}
