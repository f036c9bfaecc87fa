package main

import (
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"
)

// trash moves people to the trash, takes that back, and erases one, by mouse and without scripts.
func (c *chromium) trash(t *testing.T) {
	base, data := site(t)
	registered(t, base, "Ada Lovelace, London", "Grace Hopper, New York", "Barbara Liskov, Los Angeles")
	const (
		remove  = `button[value=trash]`
		confirm = `main .button-danger`
		undo    = `.flash-undo button`
	)
	p := c.tab(t, base)
	p.signIn(data)
	p.open("/people?sort=name", http.StatusOK)
	p.do(chromedp.Click(chromedp.CSS("tbody tr:nth-child(1) input")),
		chromedp.Click(chromedp.CSS("tbody tr:nth-child(3) input")))
	p.load(http.StatusOK, chromedp.Click(chromedp.CSS(remove)))
	p.shows("Move 2 people to the trash?", "Ada Lovelace", "Grace Hopper")
	p.audit("selected")
	if sent := eval[int](p, `(() => {
		let sent = 0;
		addEventListener("submit", (event) => {
			if (!event.defaultPrevented) sent++;
			event.preventDefault();
		});
		const button = document.querySelector("`+confirm+`");
		button.click();
		button.click();
		return sent;
	})()`); sent != 1 {
		p.errorf("two clicks send the form %d times, want once", sent)
	}
	p.load(http.StatusOK, chromedp.Click(chromedp.CSS(`main .actions a`)))
	p.lists("Ada Lovelace", "Barbara Liskov", "Grace Hopper")
	p.do(chromedp.Click(chromedp.CSS("tbody tr:nth-child(1) input")),
		chromedp.Click(chromedp.CSS("tbody tr:nth-child(3) input")))
	p.load(http.StatusOK, chromedp.Click(chromedp.CSS(remove)))
	p.load(http.StatusOK, chromedp.Click(chromedp.CSS(confirm)))
	p.shows("2 people were moved to the trash.")
	p.lists("Barbara Liskov")
	if got := p.query().Encode(); got != "sort=name" {
		p.errorf("after the move, the address has %q", got)
	}
	p.audit("directory-undo")
	p.load(http.StatusOK, chromedp.Click(chromedp.CSS(undo)))
	p.shows("2 people were put back.")
	p.open("/people?sort=name", http.StatusOK)
	p.lists("Ada Lovelace", "Barbara Liskov", "Grace Hopper")

	p.withoutScripts()
	p.open("/people?location=lo&sort=name", http.StatusOK)
	p.do(chromedp.Click(chromedp.CSS("tbody tr:nth-child(1) input")),
		chromedp.Click(chromedp.CSS("tbody tr:nth-child(2) input")))
	p.load(http.StatusOK, chromedp.Click(chromedp.CSS(remove)))
	p.load(http.StatusOK, chromedp.Click(chromedp.CSS(confirm)))
	p.load(http.StatusOK, chromedp.Click(chromedp.CSS(`.site-nav a[href="/trash"]`)))
	p.shows("Ada Lovelace", "Barbara Liskov", "30 days")
	p.load(http.StatusOK, chromedp.Click(chromedp.CSS(`.table-trash tbody tr:nth-child(1) button`)))
	p.shows("was put back.")

	p = c.tab(t, base)
	p.signIn(data)
	p.open("/trash", http.StatusOK)
	p.audit("trash")
	p.load(http.StatusOK, chromedp.Click(chromedp.CSS(`.table-trash tbody a.danger`)))
	p.audit("erase")
	p.fill("#name", "somebody else")
	p.load(http.StatusUnprocessableEntity, chromedp.Click(chromedp.CSS(confirm)))
	p.focused("name")
	p.audit("erase-fault")
	p.fill("#name", eval[string](p, `document.querySelector("#name-hint").innerText`))
	p.load(http.StatusOK, chromedp.Click(chromedp.CSS(confirm)))
	p.shows("was erased.", "The trash is empty")
	p.audit("trash-empty")
	p.open("/staff/tokens", http.StatusOK)
	p.shows("You need an account to create a token")
	p.audit("tokens-shared")
}

// tokens makes a token of the account that is signed in, sees it once, and revokes it.
func (p *tab) tokens() {
	p.t.Helper()
	const submit = `form[action="/staff/tokens"] .actions button`
	p.open("/staff/tokens", http.StatusOK)
	p.audit("tokens")
	p.fill("#name", "Weekly report")
	p.fill("#days", "1000")
	p.load(http.StatusUnprocessableEntity, chromedp.Click(chromedp.CSS(submit)))
	p.focused("summary")
	p.audit("tokens-fault")
	p.fill("#days", "30")
	p.load(http.StatusOK, chromedp.Click(chromedp.CSS(submit)))
	p.shows("Your new token", "Weekly report")
	p.audit("tokens-made")
	p.open("/staff/tokens", http.StatusOK)
	if eval[bool](p, `document.querySelector("#made") !== null`) {
		p.errorf("the token is shown twice")
	}
	p.audit("tokens-list")
	p.load(http.StatusOK, chromedp.Click(chromedp.CSS(`.table form button`)))
	if n := eval[int](p, `document.querySelectorAll(".table tbody tr").length`); n != 0 {
		p.errorf("%d tokens are left", n)
	}
}
