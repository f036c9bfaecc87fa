package main

import (
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"

	"dossier.example/app/internal/testissuer"
	"dossier.example/app/internal/teststores"
)

// signsInElsewhere goes to an issuer, which is another site, and comes back, in several tabs, and while it is down.
func (c *chromium) signsInElsewhere(t *testing.T) {
	address := freeAddress(t)
	at := testissuer.Start(t, "http://"+address+"/staff/sign-in/issuer/callback")
	server := start(t, address, []string{"DOSSIER_DATA=" + teststores.Migrated(t), "DOSSIER_STAFF_ISSUER=" + at.URL,
		"DOSSIER_STAFF_ISSUER_NAME=People & Co", "DOSSIER_STAFF_CLIENT_ID=" + testissuer.ClientID,
		"DOSSIER_STAFF_CLIENT_SECRET=" + testissuer.ClientSecret, "DOSSIER_STAFF_ROLE_CLAIM=groups",
		"DOSSIER_STAFF_ROLES=administrators=administrator", "DOSSIER_STAFF_ISSUER_ONLY=true"})
	const (
		button  = `a[href^="/staff/sign-in/issuer"]`
		agree   = "#agree"
		decline = "#decline"
		leave   = ".site-nav button"
	)
	p := c.tab(t, server.base)
	p.open("/people?q=ada", http.StatusOK)
	p.shows("Staff sign-in", "Sign in with People & Co")
	p.audit("signin-issuer")
	p.load(http.StatusOK, chromedp.Click(chromedp.CSS(button)))
	p.load(http.StatusForbidden, chromedp.Click(chromedp.CSS(decline)))
	p.shows("You are not signed in", "The sign-in was canceled")
	p.audit("signin-issuer-fault")
	p.load(http.StatusOK, chromedp.Click(chromedp.CSS(button)))
	p.load(http.StatusOK, chromedp.Click(chromedp.CSS(agree)))
	if got := p.location(); got != server.base+"/people?q=ada" {
		p.errorf("the sign-in leads to %s", got)
	}
	p.shows("Sign out")
	p.load(http.StatusOK, chromedp.Click(chromedp.CSS(leave)))
	p.shows("You are signed out.")

	// Two tabs of one person, of which the first to leave is the last to come back; one of them without scripts.
	other := c.sibling(t, p)
	other.withoutScripts()
	other.open("/people?q=other", http.StatusOK)
	p.open("/people?q=ada", http.StatusOK)
	p.load(http.StatusOK, chromedp.Click(chromedp.CSS(button)))
	other.load(http.StatusOK, chromedp.Click(chromedp.CSS(button)))
	other.load(http.StatusOK, chromedp.Click(chromedp.CSS(agree)))
	other.shows("Sign out")
	p.load(http.StatusOK, chromedp.Click(chromedp.CSS(agree)))
	if got := p.location(); got != server.base+"/people?q=ada" {
		p.errorf("the sign-in of the first tab leads to %s", got)
	}

	p.tokens()

	// Somebody else's browser, at the address that the first one came back by.
	stranger := c.tab(t, server.base)
	stranger.open("/staff/sign-in/issuer/callback?code=x&state=y", http.StatusForbidden)
	stranger.shows("was begun in another browser")

	at.Fail(testissuer.Token, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	stranger.open("/staff/sign-in", http.StatusOK)
	stranger.load(http.StatusOK, chromedp.Click(chromedp.CSS(button)))
	stranger.load(http.StatusServiceUnavailable, chromedp.Click(chromedp.CSS(agree)))
	stranger.shows("People & Co is not responding")
	p.load(http.StatusOK, chromedp.Reload())
	p.shows("Sign out")
	at.Fail(testissuer.Token, nil)
	stranger.load(http.StatusOK, chromedp.Reload())
	stranger.shows("Sign out")
}
