package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"dossier.example/app/internal/servers"
	"dossier.example/app/internal/teststores"
)

// shotsVariable names a folder by its absolute path. Every page that the browser tests look at is saved there as a
// picture.
const shotsVariable = "DOSSIER_TEST_SHOTS"

// The program as people meet it: the real binary, in a real browser.
func TestBrowser(t *testing.T) {
	t.Parallel()
	servers.EndToEnd(t)
	c := openChromium(t)
	t.Run("faults in a page are noticed", c.noticesFaults)
	t.Run("the whole way", c.wholeWay)
	t.Run("without JavaScript", c.withoutJavaScript)
	t.Run("back and sent again", func(t *testing.T) { c.backAndAgain(t, true) })
	t.Run("back to a page that the browser did not keep, and sent again", func(t *testing.T) {
		c.backAndAgain(t, false)
	})
	t.Run("refused while on its way", c.refusedOnItsWay)
	t.Run("on a phone", c.onPhone)
	t.Run("no secret in an address", func(t *testing.T) { c.addressesHoldNoSecret(t, true) })
	t.Run("no secret in an address, without JavaScript", func(t *testing.T) { c.addressesHoldNoSecret(t, false) })
	t.Run("an issuer", c.signsInElsewhere)
	t.Run("damaged files", c.damagedAtRest)
	t.Run("uploads", c.uploads)
	t.Run("told", c.toldTests)
	t.Run("phones", c.phones)
	t.Run("pictures", c.pictures)
	t.Run("the directory", c.directory)
	t.Run("the directory, without JavaScript", c.directoryWithoutJavaScript)
	t.Run("the trash", c.trash)
	t.Run("by keys", c.byKeys)
	t.Run("every state", c.everyState)
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
	submitter.fill("#name", "Ada Lovelace")
	submitter.fill("#age", "200")
	submitter.do(chromedp.Click(chromedp.CSS("#submission button[type=submit]")))
	submitter.until("the faults are told", `document.querySelector("#summary")`)
	if got, want := eval[[]string](submitter, `[...document.querySelectorAll("#summary li a")].map(a => a.hash)`),
		[]string{"#location", "#age", "#technology"}; !slices.Equal(got, want) {
		submitter.errorf("the faults told are %q, want %q", got, want)
	}
	submitter.focused("summary")
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
	if link != base+"/receipt#"+receipt {
		submitter.errorf("the private link is %s, want it to be the form's receipt %s", link, receipt)
	}
	if at := submitter.location(); at != base+receiptPath(t, receipt) {
		submitter.errorf("the receipt is at %s, want no secret in its address", at)
	}
	submitter.listed(files)
	submitter.audit("receipt")
	submitter.do(chromedp.Click(chromedp.CSS("button[data-copy]")))
	submitter.until("the link is copied, or selected where that is not allowed",
		`/^(Link copied|The text is selected)/.test(document.querySelector("#copy-status").textContent)`)

	// Somebody else's browser: the link alone opens the receipt.
	other := c.tab(t, base)
	other.follow(link)
	other.shows("Received, thank you", "Ada Lovelace")
	other.listed(files)
	for i, f := range files {
		name, content := other.download(chromedp.Click(chromedp.CSS(fmt.Sprintf(".table-files tbody tr:nth-child(%d) a",
			i+1))))
		if name != f.shown || !bytes.Equal(content, f.content) {
			other.errorf("%q was downloaded as %q with %d bytes, want %q with the %d that were sent", f.name, name,
				len(content), f.shown, len(f.content))
		}
	}

	staff := c.tab(t, base)
	staff.open("/", http.StatusOK)
	staff.load(http.StatusOK, chromedp.Click(chromedp.CSS(`.site-nav a[href="/people"]`)))
	staff.audit("sign-in")
	staff.fill("#key", "a guess")
	staff.load(http.StatusUnauthorized, chromedp.Click(chromedp.CSS("main button")))
	staff.shows("You are not signed in", "This is not the right key.")
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
	staff.fill("#q", "Hopper")
	staff.load(http.StatusOK, chromedp.Click(chromedp.CSS(".search button")))
	staff.shows("No one found")
	staff.audit("directory-nobody-found")
	staff.fill("#q", "lovelace engine")
	staff.load(http.StatusOK, chromedp.SendKeys(chromedp.CSS("#q"), "\n"))
	staff.shows("1 person", "Ada Lovelace")
	staff.fill("#q", "ADA l")
	staff.load(http.StatusOK, chromedp.SendKeys(chromedp.CSS("#q"), "\n"))
	staff.shows("Ada Lovelace")
	staff.audit("directory-found")

	// Anywhere on the row leads to the person, but for selecting text.
	if eval[bool](staff, `(() => {
		let left = false;
		navigation.addEventListener("navigate", () => { left = true; }, {once: true});
		getSelection().selectAllChildren(document.querySelector(".table-people td bdi"));
		document.querySelector(".table-people td:nth-child(3)").click();
		return left;
	})()`) {
		staff.errorf("selecting text in a row leaves the page")
	}
	staff.load(http.StatusOK, chromedp.Click(chromedp.CSS(".table-people tbody td:nth-child(4)")))
	staff.shows("Ada Lovelace", "5 files")
	staff.audit("person-list")
	if got := eval[[]string](staff,
		`[...document.querySelectorAll(".table-files .file-name")].map(e => e.textContent)`); !slices.Equal(got,
		shownNames(files)) {
		staff.errorf("the person's files are %q, want %q", got, shownNames(files))
	}
	staff.load(http.StatusOK, chromedp.Click(chromedp.CSS(".back a")))
	if got := staff.location(); got != base+"/people?q=ADA+l" {
		staff.errorf("the way back leads to %s, want the search", got)
	}
	staff.load(http.StatusOK, chromedp.Click(chromedp.CSS(".table-people tbody a")))
	staff.load(http.StatusOK, chromedp.Click(chromedp.CSS(".hint a[href*=cards]")))
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
	staff.until("the picture is shown",
		`document.querySelector(".file img").complete && document.querySelector(".file img").naturalWidth === 480`)
	// By a thumbnail, which is what the file is not: a JPEG.
	if kind := eval[string](staff,
		`performance.getEntriesByName(document.querySelector(".file img").src)[0].contentType`); kind != "image/jpeg" {
		staff.errorf("the picture is shown by %q, want a JPEG", kind)
	}
	staff.audit("person")
	staff.load(http.StatusOK, chromedp.Click(chromedp.CSS(".file-preview:has(img)")))
	staff.until("the picture is shown by itself", `document.images[0].naturalWidth === 480`)
	staff.load(http.StatusOK, chromedp.Navigate(person))

	// What could be a page of this site is never shown as one.
	html := slices.IndexFunc(files, func(f file) bool { return strings.HasSuffix(f.name, ".html") })
	href := eval[string](staff,
		fmt.Sprintf(`document.querySelectorAll(".file")[%d].querySelector(".file-actions a").href`, html))
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
	gone := staff.location()
	staff.load(http.StatusOK, chromedp.Click(chromedp.CSS("main button")))
	staff.shows(files[1].shown + " was moved to the trash.")
	staff.audit("file-deleted")
	staff.load(http.StatusNotFound, chromedp.Navigate(gone))
	staff.shows("This file is not here")
	staff.audit("file-gone")
	staff.load(http.StatusOK, chromedp.Click(chromedp.CSS("main a.button")))
	left := slices.Delete(slices.Clone(files), 1, 2)
	if got := eval[[]string](staff,
		`[...document.querySelectorAll("main .file-name")].map(e => e.textContent)`); !slices.Equal(got,
		shownNames(left)) {
		staff.errorf("after one was deleted the files are %q, want %q", got, shownNames(left))
	}
	other.load(http.StatusOK, chromedp.Reload())
	other.listed(left)

	staff.load(http.StatusOK, chromedp.Click(chromedp.CSS(".page-head .button-danger-quiet")))
	staff.shows("Delete Ada Lovelace and 4 files?")
	staff.audit("delete-person")
	staff.load(http.StatusOK, chromedp.Click(chromedp.CSS("main button")))
	staff.shows("No one yet", "Ada Lovelace was moved to the trash.")
	staff.audit("directory-empty")
	other.load(http.StatusGone, chromedp.Reload())
	other.audit("receipt-in-trash")
	staff.load(http.StatusNotFound, chromedp.Navigate(person))
	staff.shows("This person is not here")
	staff.audit("person-gone")

	staff.load(http.StatusOK, chromedp.Click(chromedp.CSS(".site-nav button")))
	staff.shows("Staff sign-in", "You are signed out.")
	staff.audit("signed-out")
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
	if got, want := eval[[]string](p, `[...document.querySelectorAll("#summary li a")].map(a => a.hash)`),
		[]string{"#location", "#age", "#technology"}; !slices.Equal(got, want) {
		p.errorf("the faults told are %q, want %q", got, want)
	}
	p.focused("summary")
	for field, want := range map[string]string{"#name": "Ada Lovelace", "#age": "200", "#location": "",
		"input[name=receipt]": receipt} {
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
		if _, content := p.download(chromedp.Click(chromedp.CSS(fmt.Sprintf(".table-files tbody tr:nth-child(%d) a",
			i+1)))); !bytes.Equal(content, f.content) {
			p.errorf("%q has %d bytes when downloaded, want the %d that were sent", f.name, len(content),
				len(f.content))
		}
	}
}

// backAndAgain goes back from the receipt to the form and sends it once more. kept: the browser kept the form's page as
// it was; else it shows the form anew, as it does when memory is short.
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
		_, err = cdp.Call(ctx, target, page.NavigateToHistoryEntry,
			page.NavigateToHistoryEntryParams{EntryID: history.Entries[history.CurrentIndex-1].ID})
		return err
	})
	p.until("the form is back", `location.pathname === "/" && document.readyState === "complete"`)
	if got := eval[bool](p, `document.documentElement.dataset.kept === "yes"`); got != kept {
		t.Fatalf("the browser kept the page: %t, want %t", got, kept)
	}
	p.until("the fields are back", `document.querySelector("#name").value === "Ada Lovelace"`)
	if got := base + receiptPath(t, p.value("input[name=receipt]")); got != first {
		p.errorf("back on the form its receipt is %s, want the one that was sent, %s", got, first)
	}
	if !kept {
		// Fields for which the browser is told to remember nothing come back empty.
		p.submission(files...)
	}
	// By script, because chromedp loses its way in the elements of a page that comes back whole.
	eval[bool](p, `document.querySelector("#submission button[type=submit]").click(), true`)
	p.until("the receipt is there again",
		`location.pathname.startsWith("/receipt/") && document.readyState === "complete"`)
	if got := p.location(); got != first {
		p.errorf("sent again, the receipt is %s, want the first one %s", got, first)
	}
	p.listed(files)
	p.signIn(data)
	if n := eval[int](p, `document.querySelectorAll(".table-people tbody tr").length`); n != 1 {
		p.errorf("sent twice, the directory has %d persons, want 1", n)
	}
}

// refusedOnItsWay sends more than is taken. The browser must get the page that says so: one that is still sending when
// the connection closes shows a connection error.
func (c *chromium) refusedOnItsWay(t *testing.T) {
	base, _ := site(t, "DOSSIER_MAX_FILE_SIZE=1MiB")
	big, small := sparseFile(t, "film.mov", 40<<20), makeFiles(t)[1]
	p := c.tab(t, base)
	p.block("*://*:*/static/*/upload.js")
	p.open("/", http.StatusOK)
	p.audit("form-plain")
	p.submission(big, small)
	p.until("the script warns", `document.querySelector(".chosen-fault")?.textContent.includes("1 MB")`)
	p.load(http.StatusRequestEntityTooLarge, chromedp.Click(chromedp.CSS("#submission button[type=submit]")))
	p.shows("Some files are missing", "1 of 2 files", "1 MB each")
	missing := eval[[]string](p, `[...document.querySelectorAll(".missing li")].map(e => e.innerText)`)
	if len(missing) != 1 || !strings.Contains(missing[0], big.name) || !strings.Contains(missing[0], "1 MB") {
		p.errorf("not stored are %q, want %s and the limit", missing, big.name)
	}
	p.listed([]file{small})
	p.audit("receipt-part")
	link := p.value("#receipt-link")
	p.follow(link)
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
	p.shows("Too large", "50 files", "1 MB each")
	p.audit("too-large")
	p.open("/receipt/"+receipt, http.StatusNotFound)
}

// onPhone sends the form with a thumb.
func (c *chromium) onPhone(t *testing.T) {
	base, _ := site(t)
	files := makeFiles(t)
	p := c.tab(t, base)
	p.do(chromedp.EmulateViewport(390, 844, chromedp.EmulatePortrait, chromedp.EmulateMobile, chromedp.EmulateTouch,
		chromedp.EmulateScale(3)))
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
		fmt.Fprint(
			w, `<!doctype html><html lang=en><title>Bad</title><main><h1>Bad</h1><input><script>0</script><pre>`+strings.Repeat("wide", 500)+`</pre></main>`)
	}))
	t.Cleanup(s.Close)
	p := c.tab(t, s.URL)
	p.expectNoise = true
	p.open("/", http.StatusOK)
	p.until("the console tells", `document.readyState === "complete"`)
	eventually(t, "the refused script is noticed", func() bool {
		return strings.Contains(strings.Join(p.noise(), "\n"), "Content Security Policy")
	})
	if v := p.violations(false); !slices.ContainsFunc(v, func(v violation) bool { return v.ID == "label" }) {
		t.Errorf("axe-core finds %+v in an input without a label", v)
	}
	if p.sideways() <= 0 {
		t.Error("a page that is too wide does not scroll sideways")
	}
}

// site starts the real binary with embedded stores in an empty folder. When the test fails its log is shown.
func site(t *testing.T, settings ...string) (base, data string) {
	t.Helper()
	data = teststores.Migrated(t)
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
