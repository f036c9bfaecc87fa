package bounds

import "log/slog"

// Load is how near to its bounds an instance was, for the line of metrics in the log.
type Load struct {
	// Saturated is how many of the bounds on all were reached.
	Saturated int
	// TurnedAway is how many requests were refused or cut off because of a bound, one client's or all's.
	TurnedAway int
	// Most is how many ran at once at most, by the name of the bound.
	Most []Most
}

// Most is how many of something ran at once.
type Most struct {
	Name string
	Is   int
}

// Metrics returns the numbers as flat attributes, of which the stack makes metrics by their keys.
func (l Load) Metrics() []slog.Attr {
	return []slog.Attr{slog.Int("saturated", l.Saturated), slog.Int("turned_away", l.TurnedAway)}
}

// AtOnce returns the rest of the numbers as one group, for who reads the log.
func (l Load) AtOnce() slog.Attr {
	var most []any
	for _, m := range l.Most {
		most = append(most, slog.Int(m.Name, m.Is))
	}
	return slog.Group("most_at_once", most...)
}
