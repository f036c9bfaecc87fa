package main

import (
	"context"
	"fmt"
	"net/http"
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

	"dossier.example/app"
	"dossier.example/app/internal/servers"
)

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
		// What chromedp turns off by itself, and the popups of the address bar: pages that are loaded anew for each
		// window.
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
	// scriptless: the pages' scripts do not run.
	scriptless bool

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
	p := &tab{chromium: c, t: t, base: base, downloads: t.TempDir(), refused: map[string]bool{},
		state: map[string]browser.DownloadProgressState{}}
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
		p.logged = append(p.logged, fmt.Sprintf("%s: %s %s", e.ExceptionDetails.URL, e.ExceptionDetails.Text,
			e.ExceptionDetails.Exception.Description))
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
		if e.Source == log.EntrySourceNetwork &&
			(p.refused[e.URL] || slices.ContainsFunc(p.failing, func(begin string) bool {
				return strings.HasPrefix(e.URL, begin)
			})) {
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
	where, err := chromedp.Run(ctx,
		chromedp.Evaluate[string](`location.href + "\n" + (document.body ? document.body.innerText : "")`))
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

// follow opens a receipt by its private link.
func (p *tab) follow(link string) {
	p.t.Helper()
	p.do(chromedp.Navigate(link))
	p.until("the receipt is there", `location.pathname.startsWith("/receipt/") && document.readyState === "complete"`)
	if at := p.location(); strings.Contains(at, link[len(link)-64:]) {
		p.errorf("the receipt stands in the address %s", at)
	}
}

// receiptPath returns where a browser shows a receipt.
func receiptPath(t *testing.T, receipt string) string {
	t.Helper()
	r, err := dossier.ParseReceipt(receipt)
	if err != nil {
		t.Fatal(err)
	}
	return "/receipt/" + r.Person.String()
}

// until waits for a condition in the page. It may not be there yet, or be another.
func (p *tab) until(what, condition string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	for again := 10 * time.Millisecond; ; again = min(again*3/2, 50*time.Millisecond) {
		holds, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+condition+")"))
		if holds {
			return
		}
		select {
		case <-ctx.Done():
			p.fatalf("does not happen: %s (%v)", what, err)
		case <-time.After(again):
		}
	}
}

func (p *tab) location() string {
	p.t.Helper()
	return eval[string](p, `location.href`)
}

// focused waits until an element has the focus: a browser sets it where a page asks for it only once it draws the page.
func (p *tab) focused(id string) {
	p.t.Helper()
	p.until("the focus is on #"+id, fmt.Sprintf(`document.activeElement.id === %q`, id))
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
	p.scriptless = true
	p.call(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled,
			emulation.SetScriptExecutionDisabledParams{Value: true})
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
		_, err := cdp.Call(ctx, target, network.SetBlockedURLs,
			network.SetBlockedURLsParams{URLPatterns: []*network.BlockPattern{{URLPattern: pattern, Block: true}}})
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
	if got, want := eval[[]string](p,
		`[...document.querySelectorAll(".table-files .file-name")].map(e => e.textContent)`),
		shownNames(files); !slices.Equal(got, want) {
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
	key := strings.TrimSpace(string(secret))
	p.do(chromedp.Navigate(p.base + "/staff/sign-in#key=" + key))
	p.until("the link fills in the key",
		fmt.Sprintf(`document.querySelector("#key")?.value === %q && location.hash === ""`, key))
	p.load(http.StatusOK, chromedp.Click(chromedp.CSS("main button")))
}

// download takes a step that begins a download, waits for its end, and returns the name that the browser would save it
// under.
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

// audit checks the page as it stands, wide and narrow, light and dark.
func (p *tab) audit(name string) {
	p.t.Helper()
	for _, width := range []int64{1280, 390} {
		for _, scheme := range []string{"light", "dark"} {
			// Colors are all that a page in the dark differs in.
			p.inspect(name, width, scheme, scheme == "dark")
			p.shoot(fmt.Sprintf("%s-%d-%s", name, width, scheme))
		}
	}
	p.reflows(name)
	p.do(look(1280, "light"))
}

// reflows checks that the page is read without scrolling sideways in the width that one of 1280 pixels has at 400 %
// (WCAG 2.2, 1.4.10).
func (p *tab) reflows(name string) {
	p.t.Helper()
	p.do(look(320, "light"))
	if over := p.sideways(); over > 0 {
		p.errorf("%s scrolls sideways by %v pixels at 320", name, over)
	}
}

// inspect shows the page so many pixels wide in the colors of a scheme: axe-core finds nothing by all its rules, or by
// those for colors alone, and nothing makes the page scroll sideways.
func (p *tab) inspect(name string, width int64, scheme string, colors bool) {
	p.t.Helper()
	p.do(look(width, scheme))
	for _, v := range p.violations(colors) {
		p.errorf("%s, %d pixels wide, %s: axe-core finds %s: %s\n%s", name, width, scheme, v.ID, v.Help,
			strings.Join(v.Nodes, "\n"))
	}
	if over := p.sideways(); over > 0 {
		p.errorf("%s scrolls sideways by %v pixels at %d", name, over, width)
	}
	if !p.scriptless {
		if names := eval[[]string](p, `[...document.querySelectorAll("bdi, code, .to-type")].filter((e) => e.translate)
			.map((e) => e.outerHTML)`); len(names) > 0 {
			p.errorf("%s lets browsers translate %q", name, names)
		}
	}
}

// sideways returns by how many pixels the page is wider than the window.
func (p *tab) sideways() float64 {
	p.t.Helper()
	return eval[float64](p, `document.documentElement.scrollWidth - document.documentElement.clientWidth`)
}

// violations runs axe-core with every rule that is not experimental, or with those for colors alone.
func (p *tab) violations(colors bool) []violation {
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
	}))`, colors), chromedp.EvalAwaitPromise)
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
	p.drawn()
	writeFile(p.t, filepath.Join(p.shots, name+".png"), p.photo(chromedp.FullScreenshot(100)))
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

// look sets the width of the window and the colors that the person prefers.
func look(width int64, scheme string) chromedp.Action[chromedp.Void] {
	height := int64(900)
	if width < 500 {
		height = 844
	}
	return chromedp.Steps(chromedp.EmulateViewport(width, height),
		chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia,
				emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
					{Name: "prefers-color-scheme", Value: scheme},
					// A color that is still changing would be measured.
					{Name: "prefers-reduced-motion", Value: "reduce"},
				}})
			return err
		}))
}

// violation is a rule that axe-core finds broken.
type violation struct {
	ID    string   `json:"id"`
	Help  string   `json:"help"`
	Nodes []string `json:"nodes"`
}

// plainHost is a name of this machine in the browser.
const plainHost = "files.example.test"

// patience is how long a step in the browser may take. It is never waited for while all is well.
const patience = 30 * time.Second
