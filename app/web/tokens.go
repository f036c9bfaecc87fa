package web

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
	"dossier.example/app/audit"
	"dossier.example/app/staff"
)

// tokensView are personal tokens, and the form that makes one (tokens.html).
type tokensView struct {
	page
	Tokens []tokenView
	// More tells that there are more than the page shows. Everybodys tells that those of other accounts are among them.
	More, Everybodys bool
	// Account tells that the actor has an account, without which there are no tokens to be made.
	Account bool
	// Made is the token that was just made, which is shown this once, and MadeName its name; empty otherwise.
	Made, MadeName string
	// Name, Choices and Days are what was last entered in the form, and Faults what is wrong with it, by field.
	Name    string
	Choices []scopeView
	Days    string
	MaxDays int
	Faults  map[string]string
	// Notice is what is wrong apart from the fields; empty: nothing.
	Notice string
}

// FaultOrder returns the faulty fields in the order of the form.
func (v tokensView) FaultOrder() []tokenFault {
	var all []tokenFault
	for _, f := range []tokenFault{{ID: "name", Label: "Name"}, {ID: "scopes", Label: "What it may do"},
		{ID: "days", Label: "Valid for"}} {
		if f.Fault = v.Faults[f.ID]; f.Fault != "" {
			all = append(all, f)
		}
	}
	return all
}

// tokenFault is a faulty field of the form.
type tokenFault struct{ ID, Label, Fault string }

// scopeView is a scope that can be chosen.
type scopeView struct {
	Value, Label string
	Chosen       bool
}

// tokenView is one token.
type tokenView struct {
	// Name is the owner's, Owner who that is: a name, or nothing for the actor's own.
	Name, Owner string
	// Scopes are what it may do, in words.
	Scopes        string
	Made, Expires moment
	// Used is when it was used last; none: never.
	Used    moment
	Expired bool
	// Revoke is the path that revokes it.
	Revoke string
}

// scopeTexts say what a scope is for.
var scopeTexts = map[staff.Scope]string{
	staff.ScopeRead:     "Find people, and read their details and lists of files",
	staff.ScopeDownload: "Download files",
	staff.ScopeTrash:    "Move people and files to the trash",
	staff.ScopeExport:   "Export everybody’s details",
}

// tokenList shows the tokens of the actor, and administrators those of all accounts.
func (s *Server) tokenList(c echo.Context) error {
	v, err := s.tokensView(c, staff.NewToken{Scopes: []staff.Scope{staff.ScopeRead}})
	if err != nil {
		return err
	}
	v.Days = strconv.Itoa(staff.DefaultTokenDays)
	return s.render(c, http.StatusOK, "tokens", v)
}

func (s *Server) tokensView(c echo.Context, entered staff.NewToken) (tokensView, error) {
	by, _, err := s.actor(c)
	if err != nil {
		return tokensView{}, err
	}
	all, err := s.tokens.List(c.Request().Context(), by)
	if err != nil {
		return tokensView{}, err
	}
	v := tokensView{page: s.page(c, "API tokens"), Account: !by.Shared(), More: len(all) == staff.MaxTokens,
		Name: entered.Name, MaxDays: staff.MaxTokenDays}
	names := map[staff.AccountID]string{by.Account.ID: ""}
	for _, t := range all {
		owner, known := names[t.Account]
		if !known {
			if owner, err = s.ownerName(c, t.Account); err != nil {
				return tokensView{}, err
			}
			names[t.Account] = owner
		}
		v.Everybodys = v.Everybodys || owner != ""
		var scopes []string
		for _, scope := range t.Scopes {
			scopes = append(scopes, string(scope))
		}
		v.Tokens = append(v.Tokens, tokenView{Name: t.Name, Owner: owner, Scopes: strings.Join(scopes, ", "),
			Made: momentOf(t.CreatedAt), Expires: momentOf(t.ExpiresAt), Used: momentOf(t.UsedAt),
			Expired: t.Expired(s.now()), Revoke: "/staff/tokens/" + t.ID.String() + "/revoke"})
	}
	for _, scope := range staff.Scopes {
		if by.Role().May(scope.Needs()) {
			chosen := false
			for _, e := range entered.Scopes {
				chosen = chosen || e == scope
			}
			v.Choices = append(v.Choices, scopeView{Value: string(scope), Label: scopeTexts[scope], Chosen: chosen})
		}
	}
	return v, nil
}

// ownerName returns the name of an account; one that no longer exists has none.
func (s *Server) ownerName(c echo.Context, id staff.AccountID) (string, error) {
	account, err := s.accounts.Account(c.Request().Context(), id)
	if errors.Is(err, dossier.ErrNotFound) {
		return "Removed account", nil
	}
	return account.Name, err
}

// makeToken makes a token. It is shown by the answer itself, because nothing keeps it. A reload of that page makes no
// second one: the name is taken by then.
func (s *Server) makeToken(c echo.Context) error {
	by, _, err := s.actor(c)
	if err != nil {
		return err
	}
	form := formOf(c)
	want := staff.NewToken{Name: form.Get("name")}
	for _, text := range form["scopes"] {
		scope, err := staff.ParseScope(text)
		if err != nil {
			return malformed(err, "The form is damaged. Reload the page.")
		}
		want.Scopes = append(want.Scopes, scope)
	}
	// What is no number is a fault like one out of bounds.
	want.Days, _ = dossier.ParseNumber(strings.TrimSpace(form.Get("days")))
	text, made, err := s.tokens.Make(c.Request().Context(), by, want)
	if err == nil {
		tell(c, func(e *audit.Entry) { e.Subject = audit.Subject{Kind: audit.KindToken, ID: made.ID.String()} })
	}
	var refused *dossier.Error
	if err != nil && !(errors.As(err, &refused) && (refused.Code == dossier.CodeInvalid ||
		refused.Code == dossier.CodeQuota)) {
		return err
	}
	v, look := s.tokensView(c, want)
	if look != nil && refused != nil {
		return look
	}
	v.Days = form.Get("days")
	if refused != nil {
		v.Notice, v.Faults = refused.Message, map[string]string{}
		for _, f := range refused.Fields {
			v.Faults[f.Field] = f.Message
		}
		return s.render(c, refusals[refused.Code].status, "tokens", v)
	}
	if look != nil {
		// The token is there and will never be shown again: it is, without the list.
		note(c, look)
		v = tokensView{page: s.page(c, "API tokens"), Account: true}
	}
	v.Made, v.MadeName, v.Name = text, made.Name, ""
	return s.render(c, http.StatusOK, "tokens", v)
}

// revokeToken ends a token.
func (s *Server) revokeToken(c echo.Context) error {
	by, _, err := s.actor(c)
	if err != nil {
		return err
	}
	id, err := staff.ParseTokenID(c.Param("id"))
	if err != nil {
		return err
	}
	one, err := s.tokens.Revoke(c.Request().Context(), by, id)
	if err != nil {
		if errors.Is(err, dossier.ErrNotFound) {
			return &absent{err, "This token is not here", "It may have been revoked already.", "/staff/tokens",
				"Go to the tokens"}
		}
		return err
	}
	s.say(c, "The token "+one.Name+" was revoked.")
	return c.Redirect(http.StatusSeeOther, "/staff/tokens")
}
