package audit

// MostWaiting is how many entries may wait.
const MostWaiting = mostWaiting

// Waiting returns how many entries wait to be written.
func Waiting(t *Trail) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.waiting)
}
