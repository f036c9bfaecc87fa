package engine

import (
	"fmt"
	"time"
)

// Fault lets one operation fail, once.
type Fault struct {
	Operation   Operation
	Token, Name string
	// Nth is which of the operations fails, from 1; 0 is the first.
	Nth int
	// After lets the operation have its effect first, as when an answer is lost or a wait runs out.
	After bool

	seen int
	done bool
}

// Error implements error.
func (f *Fault) Error() string {
	when := "before"
	if f.After {
		when = "after"
	}
	return fmt.Sprintf("injected fault %s the %s of %s %s", when, f.Operation, f.Token, f.Name)
}

// Fail makes an operation fail.
func (c *Cloud) Fail(f Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, &f)
}

// Delay makes an operation take at least so long, so that what does not wait for it is seen to overtake it.
func (c *Cloud) Delay(op Operation, token, name string, d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.delays[string(op)+" "+token+" "+name] = d
}

// hit returns the fault that this operation meets.
func (c *Cloud) hit(op Operation, token, name string) *Fault {
	for _, f := range c.faults {
		if f.done || f.Operation != op || f.Token != token || f.Name != name {
			continue
		}
		if f.seen++; f.seen >= max(f.Nth, 1) {
			f.done = true
			return f
		}
	}
	return nil
}
