package main

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"
)

// byKeys selects people, moves them to the trash, puts one back and erases another, without a mouse. What has the focus
// is always seen to have it, and nothing lies over it.
func (c *chromium) byKeys(t *testing.T) {
	base, data := site(t)
	var people []string
	for i := range 30 {
		people = append(people, fmt.Sprintf("Person %02d, London", i))
	}
	registered(t, base, people...)
	p := c.tab(t, base)
	p.signIn(data)
	for _, size := range []struct{ width, height int64 }{{1280, 500}, {390, 844}} {
		p.do(chromedp.EmulateViewport(size.width, size.height))
		p.open("/people?sort=name", http.StatusOK)
		p.tabTo(".skip")
		p.do(chromedp.KeyEvent("\r"))
		p.tabTo("#q")
		p.tabTo("tbody tr:nth-child(1) input")
		p.do(chromedp.KeyEvent(" "))
		// Past all people, of whom the last stand behind the bar.
		p.tabTo("tbody tr:nth-child(30) input")
	}
	p.do(chromedp.KeyEvent(" "))
	p.until("two are selected", `document.querySelector("[data-bulk-count]").innerText === "2 people selected"`)
	p.tabTo("button[value=trash]")
	p.load(http.StatusOK, chromedp.KeyEvent("\r"))
	p.shows("Move 2 people to the trash?", "Person 00", "Person 29")
	p.tabTo("main .button-danger")
	p.load(http.StatusOK, chromedp.KeyEvent("\r"))
	p.shows("2 people were moved to the trash.")
	p.tabTo(`.site-nav a[href="/trash"]`)
	p.load(http.StatusOK, chromedp.KeyEvent("\r"))
	p.tabTo(".table-trash tbody tr:nth-child(1) button")
	p.load(http.StatusOK, chromedp.KeyEvent("\r"))
	p.shows("was put back.")
	p.open("/trash", http.StatusOK)
	p.tabTo(".table-trash tbody tr:nth-child(1) a.danger")
	p.load(http.StatusOK, chromedp.KeyEvent("\r"))
	p.tabTo("#name")
	p.do(chromedp.KeyEvent(eval[string](p, `document.querySelector("#name-hint").innerText`)))
	p.load(http.StatusOK, chromedp.KeyEvent("\r"))
	p.shows("was erased.", "The trash is empty")
}

// tabTo moves the focus on by the tab key until an element has it, and looks at each that has it on the way.
func (p *tab) tabTo(selector string) {
	p.t.Helper()
	for range 120 {
		p.do(chromedp.KeyEvent("\t"))
		at := eval[struct {
			There bool
			Fault string
		}](p, fmt.Sprintf(`(() => {
			const e = document.activeElement;
			if (e === document.body) return {There: false, Fault: ""};
			const faults = [];
			const box = e.getBoundingClientRect(), style = getComputedStyle(e);
			if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) {
				faults.push("is not seen to have the focus");
			}
			if (box.bottom < 1 || box.top > innerHeight - 1) faults.push("is out of sight");
			const hit = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
			if (hit && !e.contains(hit) && !hit.contains(e)) faults.push("lies behind " + hit.outerHTML.slice(0, 80));
			const told = faults.length ? e.outerHTML.slice(0, 120) + " " + faults.join(", ") : "";
			return {There: e.matches(%q), Fault: told};
		})()`, selector))
		if at.Fault != "" {
			p.errorf("with the focus, %s", at.Fault)
		}
		if at.There {
			return
		}
	}
	p.fatalf("the tab key does not lead to %s", selector)
}
