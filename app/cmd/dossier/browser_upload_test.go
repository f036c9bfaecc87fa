package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"dossier.example/app"
)

// The page's own way: files go in parts straight to the object store. What lies between is a gate of the test's, which
// counts the parts and does to them what networks do.
func (c *chromium) uploads(t *testing.T) {
	t.Run("embedded", func(t *testing.T) {
		s := embeddedSite(t)
		s.runAll(t, []gatedTest{
			{"broken off and gone on with", c.brokenOff},
			{"slow", c.slow},
			{"without a network for a while", c.offline},
			{"signature over", c.expired},
			{"stalled", c.stalled},
			{"damaged on the way", c.damaged},
			{"changed on the disk", c.changedOnDisk},
			{"in two tabs", c.twoTabs},
			{"removed", c.removed},
			{"dropped, pasted and by the folder", c.brought},
			{"added to a receipt", c.added},
			{"without a worker", c.withoutWorker},
			{"over plain HTTP", c.overPlainHTTP},
		})
	})
	t.Run("beyond the limits", c.beyondLimits)
	t.Run("told to wait", c.toldToWait)
	t.Run("on servers", func(t *testing.T) {
		s := cloudSite(t)
		t.Run("broken off and gone on with", func(t *testing.T) { c.brokenOff(t, s.forTest(t)) })
		t.Run("damaged on the way", func(t *testing.T) { c.damaged(t, s.forTest(t)) })
		t.Run("a bucket that does not allow the site", func(t *testing.T) { c.refusedByBucket(t, s.forTest(t)) })
	})
}

// partBytes is the size of every part of a file but the last.
var partBytes = int(dossier.PartSize(1))

// audit looks at the page once: it is the same whatever keeps the objects.
func (s *gatedSite) audit(p *tab, name string) {
	p.t.Helper()
	if s.cloud == nil {
		p.audit(name)
	}
}

// film makes a file of so many parts, the last of which is short.
func film(t *testing.T, name string, parts int) file {
	t.Helper()
	f := file{name: name, shown: name, path: filepath.Join(t.TempDir(), name), content: noise(parts*partBytes - 1000)}
	writeFile(t, f.path, f.content)
	return f
}

// noise returns bytes that are not the same anywhere.
func noise(size int) []byte {
	b := make([]byte, size)
	var seed [32]byte
	copy(seed[:], strconv.FormatInt(rand.Int64(), 36))
	_, _ = rand.NewChaCha8(seed).Read(b) // never fails
	return b
}

// send fills the form with files and sends it.
func (p *tab) send(files ...file) {
	p.t.Helper()
	p.open("/", http.StatusOK)
	p.ready()
	p.submission(files...)
	p.press("#submission button[type=submit]")
}

// press clicks what is shown.
func (p *tab) press(selector string) {
	p.t.Helper()
	p.do(chromedp.Click(chromedp.CSS(selector)))
}

// pressNamed clicks the button with that name, of what a page shows of a file if it ends in that.
func (p *tab) pressNamed(name string) {
	p.t.Helper()
	p.until("there is a button "+name,
		fmt.Sprintf(`[...document.querySelectorAll("button")].some(b => !b.hidden && b.textContent === %q)`, name))
	// A page that nobody has touched asks nothing before it is left.
	touched := func(e *runtime.EvaluateParams) { e.UserGesture = new(true) }
	eval[bool](p, fmt.Sprintf(
		`[...document.querySelectorAll("button")].find(b => !b.hidden && b.textContent === %q).click(), true`, name),
		touched)
}

// says waits until the page shows a text.
func (p *tab) says(text string) {
	p.t.Helper()
	p.until("the page says "+text, fmt.Sprintf(`document.body.innerText.includes(%q)`, text))
}

// arrives waits for the receipt, which lists these files, and compares what it gives back with them.
func (p *tab) arrives(files ...file) {
	p.t.Helper()
	p.until("the receipt is there",
		`location.pathname.startsWith("/receipt/") && document.readyState === "complete" && document.querySelector("h1")?.textContent === "Received, thank you"`)
	p.listed(files)
	p.same(files...)
}

// same downloads what the receipt lists and compares it with the files.
func (p *tab) same(files ...file) {
	p.t.Helper()
	links := eval[[]string](p, `[...document.querySelectorAll(".table-files tbody a")].map(a => a.href)`)
	if len(links) != len(files) {
		p.fatalf("there are %d downloads, want %d", len(links), len(files))
	}
	client := visitor()
	_, receipt, _ := strings.Cut(p.value("#receipt-link"), "#")
	getBy(p.t, client, p.base+"/receipt/"+receipt)
	for i, f := range files {
		if status, content := getBy(p.t, client, links[i]); status != http.StatusOK ||
			!bytes.Equal(content, f.content) {
			p.errorf("%q comes back with status %d and %d bytes, which are not the %d that were sent", f.name, status,
				len(content), len(f.content))
		}
	}
}

// answered is how many parts the page was answered.
const answered = `performance.getEntriesByType("resource").filter(e =>
		/\/parts\/\d+(\?|$)|[?&]partNumber=/.test(e.name)).length`

// brokenOff pauses, goes on, reloads the page in the middle, and goes on from the receipt: what the store has is not
// sent again.
func (c *chromium) brokenOff(t *testing.T, s *gatedSite) {
	p := c.tab(t, s.app.URL)
	f := film(t, "engine-house.mov", 8)
	picture := makeFiles(t)[0]
	s.parts.hold(3, 4, 5, 6)
	p.send(f, picture)
	s.parts.waitStored(t, 1, 2)
	p.until("the picture is stored", `document.querySelector(".upload:nth-child(2)").dataset.state === "stored"`)
	p.until("the page was told of what is stored", answered+` >= 3`)
	p.says("Sending 2 files")
	s.audit(p, "uploading")

	// What is under way when a person pauses is not lost.
	eventually(t, "four parts are under way", func() bool { sent, _ := s.parts.counts(6); return sent > 0 })
	p.pressNamed("Pause all")
	p.says("Pausing…")
	s.audit(p, "pausing")
	s.parts.pass()
	p.says("Paused at 50 MB of 67 MB")
	for number, want := range map[int]int{2: 1, 3: 1, 4: 1, 5: 1, 6: 1, 7: 0, 8: 0} {
		if sent, _ := s.parts.counts(number); sent != want {
			t.Errorf("paused, part %d was sent %d times, want %d", number, sent, want)
		}
	}
	s.audit(p, "paused")
	s.parts.hold(8)
	p.pressNamed("Resume all")
	s.parts.waitStored(t, 7)
	// A browser that is busy leaves without asking.
	p.until("the page was told of all but the last part", answered+` >= 8`)
	p.warned(func() { p.load(http.StatusOK, chromedp.Reload()) })
	s.parts.forget()
	p.says("An earlier submission has 1 unfinished file")
	p.load(http.StatusOK, chromedp.Click(chromedp.CSS(".unfinished a")))
	p.until("what has arrived is told",
		`/^(59|67) MB of 67 MB uploaded\. Choose this file again to continue\./
			.test(document.querySelector(".upload-state")?.textContent)`)
	p.shows("Some files are missing", "1 file is unfinished")
	p.listed([]file{picture})
	s.audit(p, "unfinished")

	p.choose(f)
	p.arrives(f, picture)
	// What was on its way may have arrived, or not.
	for number, most := range []int{1: 0, 2: 0, 3: 0, 4: 0, 5: 0, 6: 0, 7: 0, 8: 1} {
		if sent, _ := s.parts.counts(number); sent > most {
			t.Errorf("after the reload part %d was sent %d times, want %d at most", number, sent, most)
		}
	}
	p.open("/", http.StatusOK)
	p.ready()
	if eval[bool](p, `new Promise(r => setTimeout(() => r(document.querySelector(".unfinished") !== null), 200))`,
		chromedp.EvalAwaitPromise) {
		p.errorf("what is stored is still told as unfinished")
	}
}

// slow watches the progress on a slow line.
func (c *chromium) slow(t *testing.T, s *gatedSite) {
	p := c.tab(t, s.app.URL)
	s.parts.do(ofParts(slow))
	f := film(t, "slow.mov", 2)
	p.open("/", http.StatusOK)
	p.ready()
	eval[bool](p, `window.seen = [], window.told = new Set(), new MutationObserver(() => {
		const bar = document.querySelector(".upload-total progress");
		if (bar && bar.value !== seen.at(-1)) seen.push(bar.value);
		const text = document.querySelector(".upload-sum")?.textContent ?? "";
		if (/ MB\/s · .* left/.test(text)) told.add("speed");
	}).observe(document.body, {subtree: true, childList: true, attributes: true, characterData: true}), true`)
	p.submission(f)
	p.press("#submission button[type=submit]")
	p.until("progress is drawn several times, and the speed told", `window.seen?.length >= 4 && told.has("speed")`)
	if seen := eval[[]float64](p, `window.seen`); !slices.IsSorted(seen) {
		p.errorf("the progress goes back: %v", seen)
	}
	p.arrives(f)
}

// offline takes the network away in the middle.
func (c *chromium) offline(t *testing.T, s *gatedSite) {
	p := c.tab(t, s.app.URL)
	p.expect("/api/v1/")
	f := film(t, "train.mov", 2)
	s.parts.lose(2)
	p.send(f)
	s.parts.waitStored(t, 1)
	p.networkIs(false)
	// The browser's emulation ends no request that is under way.
	s.parts.forget()
	p.says("waiting for the network")
	p.networkIs(true)
	p.arrives(f)
	if sent, _ := s.parts.counts(1); sent != 0 {
		t.Errorf("what was there before was sent again %d times", sent)
	}
}

// networkIs takes the network away from the tab, or gives it back.
func (p *tab) networkIs(there bool) {
	p.t.Helper()
	p.line(there, -1)
}

// line takes the network away from the tab, or gives it one that takes so many bytes a second; a negative number is no
// limit.
func (p *tab) line(there bool, upload float64) {
	p.t.Helper()
	p.call(func(ctx context.Context, target *chromedp.Target) error {
		if _, err := cdp.Call(ctx, target, network.Enable, network.EnableParams{}); err != nil {
			return err
		}
		rules := network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: []*network.Conditions{{
			Offline: !there, DownloadThroughput: -1, UploadThroughput: upload,
		}}}
		if _, err := cdp.Call(ctx, target, network.EmulateNetworkConditionsByRule, rules); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, target, network.OverrideNetworkState, network.OverrideNetworkStateParams{
			Offline: !there, DownloadThroughput: -1, UploadThroughput: upload,
		})
		return err
	})
}

// expired has each part refused once, as a store does when a signature is over.
func (c *chromium) expired(t *testing.T, s *gatedSite) {
	p := c.tab(t, s.app.URL)
	p.expect("/api/v1/transfers/")
	s.parts.do(ofParts(once(whole(answer(http.StatusForbidden)))))
	f := film(t, "asleep.mov", 2)
	p.send(f)
	p.arrives(f)
	for _, number := range []int{1, 2} {
		if sent, stored := s.parts.counts(number); sent != 2 || stored != 1 {
			t.Errorf("part %d was sent %d times and stored %d times, want it refused once and signed anew", number,
				sent, stored)
		}
	}
}

// stalled has a part refused several times, as S3 does when its bytes stop coming.
func (c *chromium) stalled(t *testing.T, s *gatedSite) {
	p := c.tab(t, s.app.URL)
	p.expect("/api/v1/transfers/")
	// The page waits longer each time, or until there is a network.
	eval[int](p, `setInterval(() => dispatchEvent(new Event("online")), 100)`)
	s.parts.do(ofParts(some(4, whole(s3Error("RequestTimeout")))))
	f := makeFiles(t)[0]
	p.send(f)
	p.arrives(f)
}

// damaged flips bits: once, which is mended unseen, and then always, which is told.
func (c *chromium) damaged(t *testing.T, s *gatedSite) {
	p := c.tab(t, s.app.URL)
	p.expectFrom(s.parts.URL)
	flipSecond := func(w http.ResponseWriter, r *http.Request) bool { return partOf(r) == 2 && flip(w, r) }
	s.parts.do(once(flipSecond))
	mended := film(t, "once.mov", 2)
	p.send(mended)
	p.arrives(mended)
	if sent, stored := s.parts.counts(2); sent != 2 || stored != 1 {
		t.Errorf("the damaged part was sent %d times and stored %d times, want 2 and 1", sent, stored)
	}

	s.parts.forget()
	s.parts.do(flipSecond)
	always, picture := film(t, "always.mov", 2), makeFiles(t)[0]
	p.send(picture, always)
	p.says("damaged several times on its way")
	p.says("1 of 2 files are stored")
	s.audit(p, "failed")
	if link := eval[string](p, `document.querySelector(".alert a").getAttribute("href")`); !strings.HasPrefix(link,
		"/receipt#") {
		p.errorf("the receipt is linked as %q", link)
	}
	if s.cloud == nil { // A proxy that takes no such body damages nothing. From another origin, no page can read that.
		s.parts.do(func(w http.ResponseWriter, r *http.Request) bool {
			return partOf(r) == 2 && answer(http.StatusRequestEntityTooLarge)(w, r)
		})
		p.pressNamed("Retry always.mov")
		p.says("lets no parts of this size through")
	}
	s.parts.pass()
	p.pressNamed("Retry always.mov")
	p.arrives(picture, always)
}

// changedOnDisk changes a file while it is sent: it is told, and what is stored is one state of the file.
func (c *chromium) changedOnDisk(t *testing.T, s *gatedSite) {
	p := c.tab(t, s.app.URL)
	f := film(t, "growing.log", 5)
	// As many parts are in memory as may be at once, and the last one not read.
	s.parts.hold(1, 2, 3, 4)
	p.send(f)
	eventually(t, "the first parts are on their way", func() bool { sent, _ := s.parts.counts(4); return sent > 0 })
	f.content = append(noise(1000), f.content...)
	writeFile(t, f.path, f.content)
	s.parts.pass()
	p.says("was changed, moved or deleted after you chose it")
	p.says("0 of 1 file is stored")
	p.choose(f)
	p.pressNamed("Send 1 more file (42 MB)")
	p.arrives(f)
}

// twoTabs sends one file from two tabs of one browser.
func (c *chromium) twoTabs(t *testing.T, s *gatedSite) {
	first := c.tab(t, s.app.URL)
	f := film(t, "twice.mov", 2)
	s.parts.hold(2)
	first.send(f)
	s.parts.waitStored(t, 1)
	receipt := first.value("input[name=receipt]")
	second := c.sibling(t, first)
	second.follow(s.app.URL + "/receipt#" + receipt)
	second.says("being sent in another tab")
	s.audit(second, "elsewhere")
	second.choose(f)
	second.says("twice.mov is being sent in another tab.")
	s.parts.pass()
	first.arrives(f)
	second.arrives(f)
	for number := range 2 {
		if _, stored := s.parts.counts(number + 1); stored != 1 {
			t.Errorf("part %d was stored %d times by two tabs, want once", number+1, stored)
		}
	}
}

// removed takes a file out while it is sent: the server gives it up.
func (c *chromium) removed(t *testing.T, s *gatedSite) {
	p := c.tab(t, s.app.URL)
	f, picture := film(t, "unwanted.mov", 2), makeFiles(t)[0]
	s.parts.hold(2)
	p.send(f, picture)
	s.parts.waitStored(t, 1)
	p.until("the picture is stored", `document.querySelector(".upload:nth-child(2)").dataset.state === "stored"`)
	p.pressNamed("Discard… unwanted.mov")
	p.says("Discard this file? The")
	s.audit(p, "discarding")
	p.pressNamed("Keep unwanted.mov")
	p.pressNamed("Discard… unwanted.mov")
	p.pressNamed("Discard unwanted.mov")
	s.parts.pass()
	p.arrives(picture)
}

// brought drops, pastes and picks whole folders. The command gives their files the same folders and names, and leaves
// out the same.
func (c *chromium) brought(t *testing.T, s *gatedSite) {
	p := c.tab(t, s.app.URL)
	root := filepath.Join(t.TempDir(), "expedition")
	var want []string
	add := func(shown string, path ...string) {
		name := filepath.Join(append([]string{root}, path...)...)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		writeFile(t, name, []byte(strings.Join(path, "/")))
		if shown == "" {
			shown = strings.Join(append([]string{"expedition"}, path...), "/")
		}
		want = append(want, shown)
	}
	add("", "notes.txt")
	for i := range 19 {
		add("", "day 1", "sketches", fmt.Sprintf("sketch-%02d.txt", i))
	}
	add("expedition/day 1/Zoë’s _best_.txt", "day 1", "Zoë’s <best>.txt")
	add("", strings.Repeat("a", 120), strings.Repeat("b", 120), "deep.txt")
	sent := len(want)
	var junk []string
	for _, name := range dossier.JunkNames {
		junk = append(junk, strings.ToUpper(name))
	}
	for _, prefix := range dossier.JunkPrefixes {
		junk = append(junk, prefix+"notes.txt")
	}
	for _, name := range junk {
		writeFile(t, filepath.Join(root, "day 1", name), []byte("junk"))
	}
	p.open("/", http.StatusOK)
	p.ready()
	// A folder, let fall beside the place for it.
	p.drop(root)
	p.says(fmt.Sprintf("22 files added. %d system files left out.", len(junk)))
	// The same again by its dialog.
	p.do(chromedp.SetUploadFiles(chromedp.CSS(".folder-input"), []string{root}))
	p.says("22 files are already in the list.")
	eval[bool](p, `(() => {
		const brought = new DataTransfer();
		brought.items.add(new File(["pasted"], "image.txt"));
		document.querySelector("#name").focus();
		document.activeElement.dispatchEvent(new ClipboardEvent("paste", {clipboardData: brought, bubbles: true, cancelable: true}));
		return true;
	})()`)
	p.says("1 file added.")
	p.shows("1 to 20 of 23 files")
	if n := eval[int](p, `document.querySelectorAll(".upload").length`); n != 20 {
		p.errorf("the page of the list has %d rows, want 20", n)
	}
	p.audit("chosen")
	p.pressNamed("Next files of the list")
	p.shows("21 to 23 of 23 files", "image.txt")
	eval[bool](p, `document.querySelector("#name").select(), true`)
	p.do(chromedp.KeyEvent("Ada Lovelace"))
	p.fill("#location", "London")
	p.fill("#age", "36")
	p.fill("#technology", "Analytical Engine")
	p.press("#submission button[type=submit]")
	p.until("the receipt is there", `location.pathname.startsWith("/receipt/") && document.readyState === "complete"`)
	got := slices.Sorted(maps.Keys(s.received(t, p.value("#receipt-link"))))
	want = append(want, "image.txt")
	slices.Sort(want)
	if !slices.Equal(got, want) {
		p.errorf("stored are %q, want %q", got, want)
	}
	told, summary := newUploader(t).run(exitOK, "--recursive", root, "--to", s.app.URL, "--receipt",
		p.value("#receipt-link"))
	if len(told) != sent || summary.Stored != sent || summary.SentBytes != 0 {
		t.Errorf("the command, given the same folder, tells of %d files, %+v; want all %d there, and none sent",
			len(told), summary, sent)
	}
}

// drop lets files or folders fall on the page.
func (p *tab) drop(paths ...string) {
	p.t.Helper()
	p.call(func(ctx context.Context, target *chromedp.Target) error {
		for _, kind := range []input.DispatchDragEventType{input.DispatchDragEventTypeDragEnter,
			input.DispatchDragEventTypeDragOver, input.DispatchDragEventTypeDrop} {
			_, err := cdp.Call(ctx, target, input.DispatchDragEvent, input.DispatchDragEventParams{
				Type: kind, X: 200, Y: 200, Data: &input.DragData{Items: []*input.DragDataItem{}, Files: paths,
					DragOperationsMask: 1},
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// added sends more files from the page of a receipt.
func (c *chromium) added(t *testing.T, s *gatedSite) {
	p := c.tab(t, s.app.URL)
	files := makeFiles(t)[:2]
	p.send(files[0])
	p.arrives(files[0])
	p.ready()
	p.choose(files[1])
	p.audit("receipt-adding")
	p.pressNamed("Send 1 file (73 B)")
	p.until("both are listed", `document.querySelectorAll(".table-files tbody tr").length === 2`)
	p.arrives(files...)
}

// withoutWorker has a browser that starts no worker: the form stays a plain one, and works.
func (c *chromium) withoutWorker(t *testing.T, s *gatedSite) {
	p := c.tab(t, s.app.URL)
	files := makeFiles(t)
	p.first(`self.Worker = class { constructor() { throw new Error("there are no workers here"); } }`)
	p.open("/", http.StatusOK)
	p.submission(files...)
	p.until("the plain form lists what was chosen", `document.querySelectorAll(".chosen li").length === 5`)
	p.load(http.StatusOK, chromedp.Click(chromedp.CSS("#submission button[type=submit]")))
	p.shows("Received, thank you")
	p.listed(files)
}

// overPlainHTTP has pages that are no secure context: browsers give them neither crypto.subtle nor locks.
func (c *chromium) overPlainHTTP(t *testing.T, s *gatedSite) {
	p := c.tab(t, strings.Replace(s.app.URL, "127.0.0.1", plainHost, 1))
	// Browsers say of each such page that they leave out one of its headers.
	p.expectNoise = true
	f := film(t, "plain.mov", 2)
	p.send(f)
	p.until("the receipt is there", `location.pathname.startsWith("/receipt/") && document.readyState === "complete"`)
	if eval[bool](p, `isSecureContext`) {
		p.errorf("the page is a secure context, which it is not to be")
	}
	p.listed([]file{f})
	for _, line := range p.noise() {
		if !strings.Contains(line, "The Cross-Origin-Opener-Policy header has been ignored") {
			p.errorf("the browser complains: %s", line)
		}
	}
	p.base = s.app.URL
	_, receipt, _ := strings.Cut(p.value("#receipt-link"), "#")
	p.follow(p.base + "/receipt#" + receipt)
	p.arrives(f)
}

// beyondLimits chooses more than is taken: that is told before the first byte, and the rest is sent.
func (c *chromium) beyondLimits(t *testing.T) {
	s := embeddedSite(t, "DOSSIER_MAX_FILE_SIZE=1MiB", "DOSSIER_MAX_PERSON_FILES=2", "DOSSIER_MAX_FILES=2")
	p := c.tab(t, s.app.URL)
	big := sparseFile(t, "film.mov", 40<<20)
	files := makeFiles(t)
	p.send(append([]file{big}, files[:3]...)...)
	p.says("2 of 4 files are stored")
	p.shows("Larger than 1 MB, the limit for one file. It will not be sent.",
		"Over the limit of 2 files for one submission. It will not be sent.")
	p.audit("done-in-part")
	if sent, _ := s.parts.counts(1); sent != 2 {
		t.Errorf("%d files were sent, want the 2 that are taken", sent)
	}
	p.load(http.StatusOK, chromedp.Click(chromedp.CSS(".alert a")))
	p.arrives(files[:2]...)
}

// toldToWait sends more files at once than one address may announce: the page waits as long as it is told, and loses
// nothing.
func (c *chromium) toldToWait(t *testing.T) {
	s := embeddedSite(t, "DOSSIER_RATE_ANNOUNCEMENTS=120", "DOSSIER_RATE_ANNOUNCEMENTS_BURST=1")
	p := c.tab(t, s.app.URL)
	p.expect("/api/v1/files/")
	files := makeFiles(t)
	p.send(files...)
	p.arrives(files...)
	if n := len(p.failed(http.StatusTooManyRequests)); n == 0 {
		t.Error("the page was never told to wait")
	}
}

// failed returns the addresses that were answered with a status that the console tells.
func (p *tab) failed(status int) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var failed []string
	for _, e := range p.said {
		if strings.Contains(e.Text, fmt.Sprintf("status of %d", status)) {
			failed = append(failed, e.URL)
		}
	}
	return failed
}

// refusedByBucket has a bucket that takes nothing from pages of the site: that is told, and mended by allowing it.
func (c *chromium) refusedByBucket(t *testing.T, s *gatedSite) {
	p := c.tab(t, s.app.URL)
	p.expectNoise = true
	s.allow(t, "https://elsewhere.example.org")
	f := makeFiles(t)[0]
	p.send(f)
	p.says("does not allow this site (CORS)")
	s.allow(t, s.app.URL)
	p.pressNamed("Retry " + f.name)
	p.arrives(f)
}
