package web

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"dossier.example/app"
)

// shortfall is what a submission that is kept lacks, by what its sender can do about it.
type shortfall struct {
	// files is how many are refused.
	files int
	// types: something is of a type that is not accepted. limit: something is over what one form may carry. quota:
	// something is over what the person may have. day: something is over what the network may send in a day. Sending
	// the same again now helps against none.
	types, limit, quota, day bool
	// failures are the site's own, and may be over when the same form is sent again.
	failures []error
}

// shortfallOf sorts what became of a submission's files; stop is why the rest of the form was not read, if it was not.
func shortfallOf(outcomes []dossier.Outcome, stop error) shortfall {
	var m shortfall
	for _, o := range outcomes {
		if o.Err == nil {
			continue
		}
		m.files++
		switch o.Err.Code {
		case dossier.CodeType:
			m.types = true
		case dossier.CodeTooLarge:
			m.limit = true
		case dossier.CodeQuota:
			m.quota = true
		case dossier.CodeDay:
			m.day = true
		default:
			m.failures = append(m.failures, o.Err)
		}
	}
	switch {
	case stop == nil:
	case !errors.Is(stop, errTooMuch):
		m.failures = append(m.failures, stop)
	case !m.quota && !m.day:
		// What was read past was over a limit. After a quota it was over that one, which is told already.
		m.limit = true
	}
	return m
}

// status is that of the shortfall which the sender has to know of first: one that passes, else the quota.
func (m shortfall) status() int {
	switch {
	case len(m.failures) > 0:
		return refusals[dossier.CodeUnavailable].status
	case m.quota, m.day:
		return refusals[dossier.CodeQuota].status
	case m.types && !m.limit:
		return refusals[dossier.CodeType].status
	}
	return refusals[dossier.CodeTooLarge].status
}

// advice tells the sender which bounds were reached, and what to do about the rest.
func (t *taking) advice(m shortfall, person dossier.PersonID) string {
	var says []string
	if m.types {
		says = append(says, fmt.Sprintf("Only %s can be accepted.", t.s.svc.Limits().TypesInWords()))
	}
	if m.limit {
		says = append(says, fmt.Sprintf("One submission takes up to %s.", t.s.limitsText()))
	}
	if m.quota {
		says = append(says, t.quotaText(person))
	}
	if m.day {
		says = append(says, "Your network has sent as much as allowed today. To add the rest, send the same form "+
			"again after midnight UTC: nothing is stored twice.")
	}
	if len(m.failures) > 0 {
		what := "what is missing"
		if m.types || m.limit || m.quota || m.day {
			what = "what failed for another reason"
		}
		says = append(says, "To add "+what+", wait a minute, go back in your browser and send the same form again: "+
			"nothing is stored twice.")
	}
	return strings.Join(says, " ")
}

// roomTime bounds how long a page waits to know what is left of a quota: it can be shown without.
const roomTime = 5 * time.Second

// quotaText says what one person may have, and what of it is left, if that can be learned.
func (t *taking) quotaText(person dossier.PersonID) string {
	l := t.s.svc.Limits()
	text := fmt.Sprintf("One person can have up to %s, and %s in total, including what is still being sent.",
		counted(l.PersonFiles, "file"), dossier.FormatLimit(l.PersonBytes))
	ctx, cancel := context.WithTimeout(t.c.Request().Context(), roomTime)
	defer cancel()
	if has, err := t.s.svc.Counted(ctx, person); err == nil {
		files, bytes := int64(l.PersonFiles)-has.Files, l.PersonBytes-has.Bytes
		if files > 0 && bytes > 0 {
			text += fmt.Sprintf(" There is room for %s more, of %s together.", counted(files, "file"),
				dossier.FormatLimit(bytes))
		} else {
			text += " There is no room for more."
		}
	}
	return text + " What was stored before stays, and your private link shows it. Send fewer or smaller files, " +
		"or make another submission of what does not fit."
}
