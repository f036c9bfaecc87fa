package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"dossier.example/app/internal/servers"
	"dossier.example/app/internal/teststores"
)

// shotsVariable names a folder by its absolute path. Every page that the browser tests look at is saved there as a picture, and so are the README's.
const shotsVariable = "DOSSIER_TEST_SHOTS"

// plainHost is a name of this machine in the browser.
const plainHost = "files.example.test"

// patience is how long a step in the browser may take. It is never waited for while all is well.
const patience = 30 * time.Second

// The program as people meet it: the real binary, in a real browser.
func TestBrowser(t *testing.T) {
	t.Parallel()
	c := openChromium(t)
	t.Run("faults in a page are noticed", c.noticesFaults)
	t.Run("the whole way", c.wholeWay)
	t.Run("without JavaScript", c.withoutJavaScript)
	t.Run("back and sent again", func(t *testing.T) { c.backAndAgain(t, true) })
	t.Run("back to a page that the browser did not keep, and sent again", func(t *testing.T) { c.backAndAgain(t, false) })
	t.Run("refused while on its way", c.refusedOnItsWay)
	t.Run("on a phone", c.onPhone)
	t.Run("uploads", c.uploads)
	if c.shots != "" {
		t.Run("pictures for the README", c.readmePictures)
	}
}

// wholeWay goes from the empty form to the deleted person.
func (c *chromium) wholeWay(t *testing.T) {
	base, data := site(t)
	files := makeFiles(t)
	submitter := c.tab(t, base)

	submitter.open("/", http.StatusOK)
	submitter.ready()
	submitter.audit("form")
	receipt := submitter.value("input[name=receipt]")

	// The server's own rules, as if the browser had none.
	submitter.expect("/api/v1/people")
	eval[bool](submitter, `document.querySelector("#submission").noValidate = true`)
	submitter.fill("#name", "Ada Lovelace")
	submitter.fill("#age", "200")
	submitter.do(chromedp.Click(chromedp.CSS("#submission button[type=submit]")))
	submitter.until("the faults are told", `document.querySelector("#summary")`)
	if got, want := eval[[]string](submitter, `[...document.querySelectorAll("#summary li a")].map(a => a.hash)`), []string{"#location", "#age", "#technology"}; !slices.Equal(got, want) {
		submitter.errorf("the faults told are %q, want %q", got, want)
	}
	if focus := submitter.focus(); focus != "summary" {
		submitter.errorf("the focus is on %q, want the summary of the faults", focus)
	}
	submitter.shows("Enter an age in years from 0 to 130.")
	submitter.audit("form-faults")
	submitter.do(chromedp.Click(chromedp.CSS(`#summary a[href="#age"]`)))
	submitter.until("the fault leads to its field", `document.activeElement.id === "age"`)

	submitter.fill("#age", "36")
	submitter.fill("#location", "London")
	submitter.fill("#technology", "Analytical Engine")
	submitter.choose(files...)
	submitter.audit("form-filled")
	submitter.load(http.StatusOK, chromedp.Click(chromedp.CSS("#submission button[type=submit]")))
	submitter.shows("Received, thank you", "Ada Lovelace", "London", "36", "Analytical Engine")
	link := submitter.value("#receipt-link")
	if link != submitter.location() || link != base+"/receipt/"+receipt {
		submitter.errorf("the private link is %s at %s, want it to be the form's receipt %s", link, submitter.location(), receipt)
	}
	submitter.listed(files)
	submitter.audit("receipt")
	submitter.do(chromedp.Click(chromedp.CSS("button[data-copy]")))
	submitter.until("the link is copied, or selected where that is not allowed", `/^The link is (copied|selected)/.test(document.querySelector("#copy-status").textContent)`)

	// Somebody else's browser: the link alone opens the receipt.
	other := c.tab(t, base)
	other.load(http.StatusOK, chromedp.Navigate(link))
	other.shows("Received, thank you", "Ada Lovelace")
	other.listed(files)
	for i, f := range files {
		name, content := other.download(chromedp.Click(chromedp.CSS(fmt.Sprintf(".table-files tbody tr:nth-child(%d) a", i+1))))
		if name != f.shown || !bytes.Equal(content, f.content) {
			other.errorf("%q was downloaded as %q with %d bytes, want %q with the %d that were sent", f.name, name, len(content), f.shown, len(f.content))
		}
	}

	staff := c.tab(t, base)
	staff.open("/", http.StatusOK)
	staff.load(http.StatusOK, chromedp.Click(chromedp.CSS(`.site-nav a[href="/people"]`)))
	staff.audit("sign-in")
	staff.fill("#key", "a guess")
	staff.load(http.StatusUnauthorized, chromedp.Click(chromedp.CSS("main button")))
	staff.shows("You are not signed in", "This key is not the right one.")
	staff.audit("sign-in-fault")
	staff.signIn(data)
	if got := staff.location(); got != base+"/people" {
		staff.errorf("signed in, the page is %s, want the directory", got)
	}
	staff.shows("Ada Lovelace", "London", "36", "Analytical Engine")
	staff.audit("directory")
	_, csv := staff.download(chromedp.Click(chromedp.CSS(".export a")))
	if !strings.Contains(string(csv), ",Ada Lovelace,London,36,Analytical Engine,") {
		staff.errorf("the list as CSV is %q, want the person in it", csv)
	}
	staff.fill("#q", "Lovelace")
	staff.load(http.StatusOK, chromedp.Click(chromedp.CSS(".search button")))
	staff.shows("Nobody found")
	staff.audit("directory-nobody-found")
	staff.fill("#q", "ADA l")
	staff.load(http.StatusOK, chromedp.SendKeys(chromedp.CSS("#q"), "\n"))
	staff.shows("Ada Lovelace")
	staff.audit("directory-found")

	staff.load(http.StatusOK, chromedp.Click(chromedp.CSS(".table-people a")))
	person := staff.location()
	type shown struct {
		Name    string `json:"name"`
		SHA256  string `json:"sha256"`
		Picture bool   `json:"picture"`
	}
	var want []shown
	for _, f := range files {
		sum := sha256.Sum256(f.content)
		want = append(want, shown{f.shown, hex.EncodeToString(sum[:]), strings.HasSuffix(f.name, ".png")})
	}
	if got := eval[[]shown](staff, `[...document.querySelectorAll(".file")].map(f => ({
		name: f.querySelector(".file-name").textContent,
		sha256: f.querySelector(".checksum").textContent,
		picture: f.querySelector("img") !== null}))`); !slices.Equal(got, want) {
		staff.errorf("the person's files are %+v, want %+v", got, want)
	}
	staff.do(chromedp.ScrollIntoView(chromedp.CSS(".file img")))
	staff.until("the picture is shown", `document.querySelector(".file img").complete && document.querySelector(".file img").naturalWidth === 480`)
	staff.audit("person")
	staff.load(http.StatusOK, chromedp.Click(chromedp.CSS(".file-preview:has(img)")))
	staff.until("the picture is shown by itself", `document.images[0].naturalWidth === 480`)
	staff.load(http.StatusOK, chromedp.Navigate(person))

	// What could be a page of this site is never shown as one.
	html := slices.IndexFunc(files, func(f file) bool { return strings.HasSuffix(f.name, ".html") })
	href := eval[string](staff, fmt.Sprintf(`document.querySelectorAll(".file")[%d].querySelector(".file-actions a").href`, html))
	name, content := staff.download(func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, target, page.Navigate, page.NavigateParams{URL: href})
		return chromedp.Void{}, err
	})
	if name != files[html].shown || !bytes.Equal(content, files[html].content) {
		staff.errorf("the address of the HTML file gives %q with %q", name, content)
	}
	if got := staff.location(); got != person {
		staff.errorf("the address of the HTML file leads to %s, want a download", got)
	}
	staff.load(http.StatusNotFound, chromedp.Navigate(href+"/picture"))
	staff.audit("not-found-staff")

	staff.load(http.StatusOK, chromedp.Navigate(person))
	remove := chromedp.CSS(".file:nth-child(2) .button-danger-quiet")
	staff.load(http.StatusOK, chromedp.Click(remove))
	staff.shows("Delete the file " + files[1].shown + "?")
	staff.audit("delete-file")
	staff.load(http.StatusOK, chromedp.Click(chromedp.CSS("main a.button")))
	if got := staff.location(); got != person {
		staff.errorf("cancelling leads to %s, want back to the person", got)
	}
	staff.shows(files[1].shown)
	staff.load(http.StatusOK, chromedp.Click(remove))
	staff.load(http.StatusOK, chromedp.Click(chromedp.CSS("main button")))
	left := slices.Delete(slices.Clone(files), 1, 2)
	if got := eval[[]string](staff, `[...document.querySelectorAll("main .file-name")].map(e => e.textContent)`); !slices.Equal(got, shownNames(left)) {
		staff.errorf("after one was deleted the files are %q, want %q", got, shownNames(left))
	}
	other.load(http.StatusOK, chromedp.Reload())
	other.listed(left)

	staff.load(http.StatusOK, chromedp.Click(chromedp.CSS(".page-head .button-danger-quiet")))
	staff.shows("Delete Ada Lovelace and 4 files?")
	staff.audit("delete-person")
	staff.load(http.StatusOK, chromedp.Click(chromedp.CSS("main button")))
	staff.shows("Nobody yet")
	staff.audit("directory-empty")
	other.load(http.StatusNotFound, chromedp.Reload())
	other.audit("not-found")
	staff.load(http.StatusNotFound, chromedp.Navigate(person))

	staff.load(http.StatusOK, chromedp.Click(chromedp.CSS(".site-nav button")))
	staff.shows("Staff sign-in")
	staff.load(http.StatusOK, chromedp.Navigate(base+"/people"))
	if got, want := staff.location(), base+"/staff/sign-in?next=%2Fpeople"; got != want {
		staff.errorf("signed out, the directory leads to %s, want %s", got, want)
	}
}

// withoutJavaScript sends the form by what HTML alone can do.
func (c *chromium) withoutJavaScript(t *testing.T) {
	base, _ := site(t)
	files := makeFiles(t)
	p := c.tab(t, base)
	p.withoutScripts()
	p.open("/", http.StatusOK)
	if eval[bool](p, `document.querySelector(".chosen, .uploader") !== null`) {
		p.errorf("the page's script ran")
	}
	receipt := p.value("input[name=receipt]")

	// The server's own rules, as if the browser had none.
	eval[bool](p, `document.querySelector("#submission").noValidate = true`)
	p.fill("#name", "Ada Lovelace")
	p.fill("#age", "200")
	p.load(http.StatusUnprocessableEntity, chromedp.Click(chromedp.CSS("#submission button[type=submit]")))
	if got, want := eval[[]string](p, `[...document.querySelectorAll("#summary li a")].map(a => a.hash)`), []string{"#location", "#age", "#technology"}; !slices.Equal(got, want) {
		p.errorf("the faults told are %q, want %q", got, want)
	}
	if focus := p.focus(); focus != "summary" {
		p.errorf("the focus is on %q, want the summary of the faults", focus)
	}
	for field, want := range map[string]string{"#name": "Ada Lovelace", "#age": "200", "#location": "", "input[name=receipt]": receipt} {
		if got := p.value(field); got != want {
			p.errorf("after a fault %s is %q, want %q", field, got, want)
		}
	}
	p.do(chromedp.Click(chromedp.CSS(`#summary a[href="#age"]`)))
	p.until("the fault leads to its field", `document.activeElement.id === "age"`)
	p.fill("#age", "thirty-six")
	eval[bool](p, `document.querySelector("#submission").noValidate = true`)
	p.load(http.StatusUnprocessableEntity, chromedp.Click(chromedp.CSS("#submission button[type=submit]")))
	p.shows("Must be a whole number.")
	if got := p.value("#age"); got != "thirty-six" {
		p.errorf("after a fault the age is %q, want it as it was typed", got)
	}

	p.submission(files...)
	p.load(http.StatusOK, chromedp.Click(chromedp.CSS("#submission button[type=submit]")))
	p.shows("Received, thank you", "Ada Lovelace")
	p.listed(files)
	for i, f := range files {
		if _, content := p.download(chromedp.Click(chromedp.CSS(fmt.Sprintf(".table-files tbody tr:nth-child(%d) a", i+1)))); !bytes.Equal(content, f.content) {
			p.errorf("%q has %d bytes when downloaded, want the %d that were sent", f.name, len(content), len(f.content))
		}
	}
}

// backAndAgain goes back from the receipt to the form and sends it once more. kept: the browser kept the form's page as it was; else it
// shows the form anew, as it does when memory is short.
func (c *chromium) backAndAgain(t *testing.T, kept bool) {
	base, data := site(t)
	files := makeFiles(t)
	p := c.tab(t, base)
	p.open("/", http.StatusOK)
	p.ready()
	if !kept {
		// A page that listens for its end is not kept.
		eval[bool](p, `addEventListener("unload", () => {}), true`)
	}
	eval[bool](p, `document.documentElement.dataset.kept = "yes", true`)
	p.submission(files...)
	p.load(http.StatusOK, chromedp.Click(chromedp.CSS("#submission button[type=submit]")))
	first := p.location()
	p.call(func(ctx context.Context, target *chromedp.Target) error {
		history, err := cdp.Call(ctx, target, page.GetNavigationHistory, cdp.Empty{})
		if err != nil {
			return err
		}
		_, err = cdp.Call(ctx, target, page.NavigateToHistoryEntry, page.NavigateToHistoryEntryParams{EntryID: history.Entries[history.CurrentIndex-1].ID})
		return err
	})
	p.until("the form is back", `location.pathname === "/" && document.readyState === "complete"`)
	if got := eval[bool](p, `document.documentElement.dataset.kept === "yes"`); got != kept {
		t.Fatalf("the browser kept the page: %t, want %t", got, kept)
	}
	p.until("the fields are back", `document.querySelector("#name").value === "Ada Lovelace"`)
	if got := base + "/receipt/" + p.value("input[name=receipt]"); got != first {
		p.errorf("back on the form its receipt is %s, want the one that was sent, %s", got, first)
	}
	if !kept {
		// Fields for which the browser is told to remember nothing come back empty.
		p.submission(files...)
	}
	// By script, because chromedp loses its way in the elements of a page that comes back whole.
	eval[bool](p, `document.querySelector("#submission button[type=submit]").click(), true`)
	p.until("the receipt is there again", `location.pathname.startsWith("/receipt/") && document.readyState === "complete"`)
	if got := p.location(); got != first {
		p.errorf("sent again, the receipt is %s, want the first one %s", got, first)
	}
	p.listed(files)
	p.signIn(data)
	if n := eval[int](p, `document.querySelectorAll(".table-people tbody tr").length`); n != 1 {
		p.errorf("sent twice, the directory has %d persons, want 1", n)
	}
}

// refusedOnItsWay sends more than is taken. The browser must get the page that says so: one that is still sending when the
// connection closes shows a connection error.
func (c *chromium) refusedOnItsWay(t *testing.T) {
	base, _ := site(t, "DOSSIER_MAX_FILE_SIZE=1MiB")
	big, small := sparseFile(t, "film.mov", 40<<20), makeFiles(t)[1]
	p := c.tab(t, base)
	p.block("*://*:*/static/*/upload.js")
	p.open("/", http.StatusOK)
	p.audit("form-plain")
	p.submission(big, small)
	p.until("the script warns", `document.querySelector(".chosen-fault")?.textContent.includes("1.0 MiB")`)
	p.load(http.StatusRequestEntityTooLarge, chromedp.Click(chromedp.CSS("#submission button[type=submit]")))
	p.shows("Received in part", "1 of 2 files", "1.0 MiB each")
	missing := eval[[]string](p, `[...document.querySelectorAll(".missing li")].map(e => e.innerText)`)
	if len(missing) != 1 || !strings.Contains(missing[0], big.name) || !strings.Contains(missing[0], "1.0 MiB") {
		p.errorf("not stored are %q, want %s and the limit", missing, big.name)
	}
	p.listed([]file{small})
	p.audit("receipt-part")
	link := p.value("#receipt-link")
	p.load(http.StatusOK, chromedp.Navigate(link))
	p.listed([]file{small})

	// More than any form may hold: refused by its length, before any of it is taken.
	var most []file
	for i := range 2 {
		most = append(most, sparseFile(t, fmt.Sprintf("film-%d.mov", i), 40<<20))
	}
	p.open("/", http.StatusOK)
	p.submission(most...)
	receipt := p.value("input[name=receipt]")
	p.load(http.StatusRequestEntityTooLarge, chromedp.Click(chromedp.CSS("#submission button[type=submit]")))
	p.shows("Too large", "50 files", "1.0 MiB each")
	p.audit("too-large")
	p.open("/receipt/"+receipt, http.StatusNotFound)
}

// onPhone sends the form with a thumb.
func (c *chromium) onPhone(t *testing.T) {
	base, _ := site(t)
	files := makeFiles(t)
	p := c.tab(t, base)
	p.do(chromedp.EmulateViewport(390, 844, chromedp.EmulatePortrait, chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulateScale(3)))
	p.open("/", http.StatusOK)
	p.ready()
	p.inSight()
	p.submission(files...)
	p.inSight()
	p.load(http.StatusOK, chromedp.Tap(chromedp.CSS("#submission button[type=submit]")))
	p.shows("Received, thank you")
	p.listed(files)
	p.inSight()
}

// noticesFaults shows that what the other tests rely on does find faults.
func (c *chromium) noticesFaults(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'")
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!doctype html><html lang=en><title>Bad</title><main><h1>Bad</h1><input><script>0</script><pre>`+strings.Repeat("wide", 500)+`</pre></main>`)
	}))
	t.Cleanup(s.Close)
	p := c.tab(t, s.URL)
	p.expectNoise = true
	p.open("/", http.StatusOK)
	p.until("the console tells", `document.readyState === "complete"`)
	eventually(t, "the refused script is noticed", func() bool { return strings.Contains(strings.Join(p.noise(), "\n"), "Content Security Policy") })
	if v := p.violations(false); !slices.ContainsFunc(v, func(v violation) bool { return v.ID == "label" }) {
		t.Errorf("axe-core finds %+v in an input without a label", v)
	}
	if p.sideways() <= 0 {
		t.Error("a page that is too wide does not scroll sideways")
	}
}

// readmePictures saves the two pages that the README shows.
func (c *chromium) readmePictures(t *testing.T) {
	base, data := site(t)
	picture := filepath.Join(t.TempDir(), "engine-house-in-the-hills.png")
	writeFile(t, picture, landscape(t))
	notes := filepath.Join(t.TempDir(), "notes-by-the-translator.txt")
	writeFile(t, notes, []byte(strings.Repeat("We may say most aptly that the Analytical Engine weaves algebraical patterns.\n", 380)))
	table := filepath.Join(t.TempDir(), "table-of-bernoulli-numbers.csv")
	writeFile(t, table, []byte("n,numerator,denominator\n"+strings.Repeat("8,-1,30\n", 40)))
	files := []file{{path: picture}, {path: notes}, {path: table}}
	for i := range files {
		files[i].name = filepath.Base(files[i].path)
		files[i].shown = files[i].name
	}
	p := c.tab(t, base)
	p.open("/", http.StatusOK)
	p.ready()
	p.submission(files...)
	eval[bool](p, `document.activeElement.blur(), true`)
	p.shoot("readme-form")
	p.load(http.StatusOK, chromedp.Click(chromedp.CSS("#submission button[type=submit]")))
	p.signIn(data)
	p.load(http.StatusOK, chromedp.Click(chromedp.CSS(".table-people a")))
	p.shoot("readme-person")
}

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
		{name: "notes-by-the-translator.txt", content: []byte("The Analytical Engine has no pretensions whatever to originate anything.\n")},
		{name: "correspondence.html", content: []byte(`<!doctype html><title>Letters</title><script>document.title = "This script ran"</script><h1>Letters</h1>`)},
		{name: "empty.txt"},
		{name: `Zoë’s "best" 🎉 <notes>.txt`, shown: "Zoë’s _best_ 🎉 _notes_.txt", content: []byte("An odd name, and nothing more.\n")},
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

// site starts the real binary with embedded stores in an empty folder. When the test fails its log is shown.
func site(t *testing.T, settings ...string) (base, data string) {
	t.Helper()
	data = teststores.Folder(t)
	var p *process
	// Runs after the process has ended, when nothing is written to its output any more.
	t.Cleanup(func() {
		if t.Failed() && p != nil {
			t.Logf("the server said\n%s", p.output)
		}
	})
	p = start(t, freeAddress(t), append(settings, "DOSSIER_DATA="+data))
	return p.base, data
}

// chromium is the browser that all tests share.
type chromium struct {
	ctx   context.Context
	axe   string // the source of axe-core
	shots string // a folder; empty: no pictures are wanted
}

func openChromium(t *testing.T) *chromium {
	t.Helper()
	path := servers.Chromium(t)
	axe, err := os.ReadFile(servers.AxeCore(t))
	if err != nil {
		t.Fatal(err)
	}
	shots := os.Getenv(shotsVariable)
	if shots != "" {
		if err := os.MkdirAll(shots, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.NoSandbox, // has no sandbox for root, nor in most containers; it sees only pages of these tests
		chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true),
		// What chromedp turns off by itself, and the popups of the address bar: pages that are loaded anew for each window.
		chromedp.Flag("disable-features", "Translate,BlinkGenPropertyTrees,WebUIOmniboxPopup,WebUIOmniboxAimPopup"),
		chromedp.Flag("lang", "en-GB"),
		// A host whose pages are no secure context, as those of localhost are.
		chromedp.Flag("host-resolver-rules", "MAP "+plainHost+" 127.0.0.1"),
		chromedp.WSURLReadTimeout(patience),
	)
	// Not the test's context: that ends before the browser is closed.
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, end := chromedp.NewContext(allocator)
	t.Cleanup(end)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return &chromium{ctx: ctx, axe: string(axe), shots: shots}
}

// tab is one page of the browser, with cookies, cache and downloads of its own: a person.
type tab struct {
	*chromium
	t         *testing.T
	ctx       context.Context
	base      string
	downloads string // the folder
	// expectNoise: what the console says is no fault.
	expectNoise bool

	mu      sync.Mutex
	refused map[string]bool   // addresses that were meant to be refused
	failing []string          // what the addresses begin with that may be refused
	said    []*log.Entry      // errors and warnings of the browser about the page
	logged  []string          // what the page's own scripts wrote, and their exceptions
	asked   []page.DialogType // what the page asked before it was left
	began   []*browser.EventDownloadWillBegin
	state   map[string]browser.DownloadProgressState // of downloads, by GUID
}

// tab opens one. When the test ends, its console must be empty.
func (c *chromium) tab(t *testing.T, base string) *tab {
	t.Helper()
	return c.openTab(t, base, chromedp.WithNewBrowserContext())
}

// sibling opens another tab of the same person.
func (c *chromium) sibling(t *testing.T, p *tab) *tab {
	t.Helper()
	return c.openTab(t, p.base, chromedp.WithExistingBrowserContext(chromedp.FromContext(p.ctx).BrowserContextID))
}

func (c *chromium) openTab(t *testing.T, base string, whose chromedp.ContextOption) *tab {
	t.Helper()
	p := &tab{chromium: c, t: t, base: base, downloads: t.TempDir(), refused: map[string]bool{}, state: map[string]browser.DownloadProgressState{}}
	ctx, end := chromedp.NewContext(c.ctx, whose, chromedp.WithListener(p.listen))
	t.Cleanup(func() {
		end()
		if noise := p.noise(); len(noise) > 0 && !p.expectNoise {
			t.Errorf("the browser complains:\n%s", strings.Join(noise, "\n"))
		}
	})
	// Without a deadline, because the tab lives as long as this context.
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	p.ctx = ctx
	p.do(look(1280, "light"))
	p.call(func(ctx context.Context, target *chromedp.Target) error {
		yes := true
		_, err := cdp.Call(ctx, target, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
			Behavior: browser.SetDownloadBehaviorBehaviorAllowAndName, DownloadPath: p.downloads, EventsEnabled: &yes,
			BrowserContextID: chromedp.FromContext(p.ctx).BrowserContextID,
		})
		return err
	})
	return p
}

// listen keeps what the browser tells.
func (p *tab) listen(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			p.said = append(p.said, e.Entry)
		}
	case *runtime.EventConsoleAPICalled:
		text := "console." + string(e.Type) + ":"
		for _, a := range e.Args {
			text += fmt.Sprintf(" %s%s", a.Value, a.Description)
		}
		p.logged = append(p.logged, text)
	case *runtime.EventExceptionThrown:
		p.logged = append(p.logged, fmt.Sprintf("%s: %s %s", e.ExceptionDetails.URL, e.ExceptionDetails.Text, e.ExceptionDetails.Exception.Description))
	case *page.EventJavascriptDialogOpening:
		p.asked = append(p.asked, e.Type)
		// Not here, where events are taken in: the answer would wait for itself.
		go p.answer()
	case *browser.EventDownloadWillBegin:
		p.began = append(p.began, e)
	case *browser.EventDownloadProgress:
		p.state[e.GUID] = e.State
	}
}

// noise returns the errors and warnings of the console, other than that a page was refused that was meant to be.
func (p *tab) noise() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	noise := slices.Clone(p.logged)
	for _, e := range p.said {
		if e.Source == log.EntrySourceNetwork && (p.refused[e.URL] || slices.ContainsFunc(p.failing, func(begin string) bool { return strings.HasPrefix(e.URL, begin) })) {
			continue
		}
		noise = append(noise, fmt.Sprintf("%s %s: %s (%s)", e.Source, e.Level, e.Text, e.URL))
	}
	return noise
}

// answer lets the page be left.
func (p *tab) answer() {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	err := chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true})
		return err
	}))
	if err != nil && p.ctx.Err() == nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.logged = append(p.logged, fmt.Sprintf("answer the page's question: %v", err))
	}
}

// warned checks that the page asks before it is left by what is done.
func (p *tab) warned(do func()) {
	p.t.Helper()
	p.mu.Lock()
	before := len(p.asked)
	p.mu.Unlock()
	do()
	p.mu.Lock()
	asked := slices.Clone(p.asked[before:])
	p.mu.Unlock()
	if !slices.Equal(asked, []page.DialogType{page.DialogTypeBeforeunload}) {
		p.errorf("the page asks %v before it is left, want its warning", asked)
	}
}

// errorf fails the test and tells where it stands.
func (p *tab) errorf(format string, args ...any) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, 5*time.Second)
	defer cancel()
	where, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.href + "\n" + (document.body ? document.body.innerText : "")`))
	if err != nil {
		where = fmt.Sprintf("a page that does not answer: %v", err)
	}
	p.t.Errorf("%s\nat %s", fmt.Sprintf(format, args...), where)
}

func (p *tab) fatalf(format string, args ...any) {
	p.t.Helper()
	p.errorf(format, args...)
	p.t.FailNow()
}

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.fatalf("%v", err)
	}
}

func (p *tab) call(f func(context.Context, *chromedp.Target) error) {
	p.t.Helper()
	p.do(chromedp.Func(f))
}

// load takes the steps, of which the last leads to another page, and checks that page's status.
func (p *tab) load(status int64, steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	answer, err := chromedp.RunResponse(ctx, steps...)
	if err != nil {
		p.fatalf("load the next page: %v", err)
	}
	if answer == nil || answer.Status != status {
		p.fatalf("the next page is answered with %+v, want status %d", answer, status)
	}
	if status >= 400 {
		p.mu.Lock()
		p.refused[answer.URL] = true
		p.mu.Unlock()
	}
}

func (p *tab) open(path string, status int64) {
	p.t.Helper()
	p.load(status, chromedp.Navigate(p.base+path))
}

// eval returns the value of an expression in the page.
func eval[T any](p *tab, expression string, options ...chromedp.EvaluateOption) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, options...))
	if err != nil {
		p.fatalf("evaluate %.200s: %v", expression, err)
	}
	return v
}

// until waits for a condition in the page. It may not be there yet, or be another.
func (p *tab) until(what, condition string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	for {
		holds, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+condition+")"))
		if holds {
			return
		}
		select {
		case <-ctx.Done():
			p.fatalf("does not happen: %s (%v)", what, err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (p *tab) location() string {
	p.t.Helper()
	return eval[string](p, `location.href`)
}

func (p *tab) focus() string {
	p.t.Helper()
	return eval[string](p, `document.activeElement.id`)
}

func (p *tab) value(field string) string {
	p.t.Helper()
	return eval[string](p, fmt.Sprintf(`document.querySelector(%q).value`, field))
}

// shows checks that the page's visible text has every one of the texts.
func (p *tab) shows(texts ...string) {
	p.t.Helper()
	page := eval[string](p, `document.body.innerText`)
	for _, text := range texts {
		if !strings.Contains(page, text) {
			p.errorf("%q is not shown", text)
		}
	}
}

// withoutScripts makes the tab run no script of a page.
func (p *tab) withoutScripts() {
	p.t.Helper()
	p.call(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	})
}

// block makes requests fail whose address fits the pattern.
func (p *tab) block(pattern string) {
	p.t.Helper()
	p.expect("/static/")
	p.call(func(ctx context.Context, target *chromedp.Target) error {
		if _, err := cdp.Call(ctx, target, network.Enable, network.EnableParams{}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, target, network.SetBlockedURLs, network.SetBlockedURLsParams{URLPatterns: []*network.BlockPattern{{URLPattern: pattern, Block: true}}})
		return err
	})
}

// expect says that requests for what begins with path may be refused, or fail.
func (p *tab) expect(path string) { p.expectFrom(p.base + path) }

// expectFrom is expect for whole addresses.
func (p *tab) expectFrom(begin string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failing = append(p.failing, begin)
}

// fill types into a field, in place of what is there.
func (p *tab) fill(field, text string) {
	p.t.Helper()
	eval[bool](p, fmt.Sprintf(`document.querySelector(%q).select(), true`, field))
	p.do(chromedp.KeyEvent(text))
}

// ready waits until the form's script has made sure that it can send files itself.
func (p *tab) ready() {
	p.t.Helper()
	p.until("the page is ready to send files itself", `document.querySelector(".uploader")`)
}

// choose picks files as a file dialog does.
func (p *tab) choose(files ...file) {
	p.t.Helper()
	var paths []string
	for _, f := range files {
		paths = append(paths, f.path)
	}
	p.do(chromedp.SetUploadFiles(chromedp.CSS("#files"), paths))
}

// submission fills the form of the page, ready to be sent.
func (p *tab) submission(files ...file) {
	p.t.Helper()
	p.fill("#name", "Ada Lovelace")
	p.fill("#location", "London")
	p.fill("#age", "36")
	p.fill("#technology", "Analytical Engine")
	p.choose(files...)
}

// listed checks that a receipt lists these files as stored, each once, and no other.
func (p *tab) listed(files []file) {
	p.t.Helper()
	if got, want := eval[[]string](p, `[...document.querySelectorAll(".table-files .file-name")].map(e => e.textContent)`), shownNames(files); !slices.Equal(got, want) {
		p.errorf("the stored files are %q, want %q", got, want)
	}
}

// signIn opens the link that the server prints at its start, and signs in with it.
func (p *tab) signIn(data string) {
	p.t.Helper()
	secret, err := os.ReadFile(filepath.Join(data, "staff-secret"))
	if err != nil {
		p.t.Fatal(err)
	}
	p.open("/staff/sign-in?"+url.Values{"key": {strings.TrimSpace(string(secret))}}.Encode(), http.StatusOK)
	p.load(http.StatusOK, chromedp.Click(chromedp.CSS("main button")))
}

// download takes a step that begins a download, waits for its end, and returns the name that the browser would save it under.
func (p *tab) download(step chromedp.Action[chromedp.Void]) (name string, content []byte) {
	p.t.Helper()
	p.mu.Lock()
	before := len(p.began)
	p.mu.Unlock()
	p.do(step)
	var begun *browser.EventDownloadWillBegin
	var state browser.DownloadProgressState
	eventually(p.t, "the download ends", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		if len(p.began) == before {
			return false
		}
		begun = p.began[before]
		state = p.state[begun.GUID]
		return state == browser.DownloadProgressStateCompleted || state == browser.DownloadProgressStateCanceled
	})
	if state != browser.DownloadProgressStateCompleted {
		p.fatalf("the download of %s is %s", begun.URL, state)
	}
	content, err := os.ReadFile(filepath.Join(p.downloads, begun.GUID))
	if err != nil {
		p.t.Fatal(err)
	}
	return begun.SuggestedFilename, content
}

// look sets the width of the window and the colours that the person prefers.
func look(width int64, scheme string) chromedp.Action[chromedp.Void] {
	height := int64(900)
	if width < 500 {
		height = 844
	}
	return chromedp.Steps(chromedp.EmulateViewport(width, height), chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme},
			// A colour that is still changing would be measured.
			{Name: "prefers-reduced-motion", Value: "reduce"},
		}})
		return err
	}))
}

// audit checks the page as it stands, wide and narrow, light and dark: axe-core finds nothing, and nothing makes it scroll sideways.
func (p *tab) audit(name string) {
	p.t.Helper()
	for _, width := range []int64{1280, 390} {
		for _, scheme := range []string{"light", "dark"} {
			p.do(look(width, scheme))
			// Colours are all that a page in the dark differs in.
			for _, v := range p.violations(scheme == "dark") {
				p.errorf("%s, %d pixels wide, %s: axe-core finds %s: %s\n%s", name, width, scheme, v.ID, v.Help, strings.Join(v.Nodes, "\n"))
			}
			if over := p.sideways(); over > 0 {
				p.errorf("%s scrolls sideways by %v pixels at %d", name, over, width)
			}
			p.shoot(fmt.Sprintf("%s-%d-%s", name, width, scheme))
		}
	}
	// The width at which a page of 1280 pixels is read at 400 % (WCAG 2.2, 1.4.10).
	p.do(look(320, "light"))
	if over := p.sideways(); over > 0 {
		p.errorf("%s scrolls sideways by %v pixels at 320", name, over)
	}
	p.do(look(1280, "light"))
}

// sideways returns by how many pixels the page is wider than the window.
func (p *tab) sideways() float64 {
	p.t.Helper()
	return eval[float64](p, `document.documentElement.scrollWidth - document.documentElement.clientWidth`)
}

// violation is a rule that axe-core finds broken.
type violation struct {
	ID    string   `json:"id"`
	Help  string   `json:"help"`
	Nodes []string `json:"nodes"`
}

// violations runs axe-core with every rule that is not experimental, or with those for colours alone.
func (p *tab) violations(colours bool) []violation {
	p.t.Helper()
	if !eval[bool](p, `typeof axe === "object"`) {
		eval[bool](p, p.axe+`;true`)
	}
	report := eval[struct {
		Passes     int         `json:"passes"`
		Violations []violation `json:"violations"`
	}](p, fmt.Sprintf(`axe.run(document, {
		resultTypes: ["violations"],
		// What sounds by itself, of which these pages have nothing, would be fetched for one rule.
		preload: false,
		...(%t ? {runOnly: {type: "rule", values: ["color-contrast", "link-in-text-block"]}} : {rules: {"target-size": {enabled: true}}}),
	}).then(r => ({
		passes: r.passes.length,
		violations: r.violations.map(v => ({id: v.id, help: v.help, nodes: v.nodes.map(n => n.html + ": " + n.failureSummary)})),
	}))`, colours), chromedp.EvalAwaitPromise)
	if report.Passes == 0 {
		p.errorf("axe-core checked nothing")
	}
	return report.Violations
}

// shoot saves a picture of the whole page, if pictures are wanted.
func (p *tab) shoot(name string) {
	p.t.Helper()
	if p.shots == "" {
		return
	}
	// Pictures outside the window are loaded too, and what scripts changed last has been drawn after two frames.
	eval[bool](p, `Promise.all([...document.images].map(i => { i.loading = "eager"; return i.decode(); }))
		.then(() => new Promise(drawn => { scrollTo(0, 0); requestAnimationFrame(() => requestAnimationFrame(() => drawn(true))); }))`, chromedp.EvalAwaitPromise)
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	shot, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		p.fatalf("take a picture of %s: %v", name, err)
	}
	writeFile(p.t, filepath.Join(p.shots, name+".png"), shot)
}

// inSight checks that all of the page fits a window of 390 pixels, is covered by nothing, and can be hit with a thumb.
func (p *tab) inSight() {
	p.t.Helper()
	faults := eval[[]string](p, `(() => {
		const faults = [];
		if (innerWidth !== 390 || visualViewport.scale !== 1) {
			faults.push("the page is " + innerWidth + " wide at a scale of " + visualViewport.scale);
		}
		for (const e of document.querySelectorAll("main :is(h1, h2, p, label, input, textarea, button, li, dt, dd, th, td, a)")) {
			const style = getComputedStyle(e);
			if (e.type === "hidden" || e.hidden || e.closest("[hidden], .visually-hidden, thead") || e.innerText === "" && !e.matches("input, textarea, button")) {
				continue;
			}
			e.scrollIntoView({block: "center", behavior: "instant"});
			const box = e.getBoundingClientRect();
			const name = e.localName + "#" + e.id + "." + e.className + " " + e.innerText.slice(0, 40);
			if (!e.checkVisibility({opacityProperty: true, visibilityProperty: true}) || box.width < 1 || box.height < 1) {
				faults.push(name + " is not shown");
				continue;
			}
			if (box.left < 0 || box.right > innerWidth) {
				faults.push(name + " reaches from " + box.left + " to " + box.right);
			}
			if (e.scrollWidth > e.clientWidth + 1 && style.overflowX !== "visible" && !e.matches("input, textarea")) {
				faults.push(name + " is cut off");
			}
			const hit = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
			if (!hit || !e.contains(hit) && !hit.contains(e)) {
				faults.push(name + " is covered by " + (hit ? hit.outerHTML.slice(0, 80) : "nothing"));
			}
			if (e.matches("input, textarea, button, .button") && box.height < 44) {
				faults.push(name + " is only " + box.height + " high");
			}
			if (e.matches("input:not([type=file]):not([readonly]), textarea:not([readonly])") && parseFloat(style.fontSize) < 16) {
				faults.push(name + " has letters of " + style.fontSize + ", at which phones zoom in");
			}
		}
		return faults;
	})()`)
	for _, fault := range faults {
		p.errorf("on a phone %s", fault)
	}
}
