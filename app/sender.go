package dossier

import "context"

// Sender is who sends what a store receives. It allows the store to share something, such as memory, fairly between
// clients, and to end what takes it from others.
type Sender struct {
	// Client is the same for everything that one client sends.
	Client string
	// Cut ends the sending early: reads of it soon fail. It does not block, and may be called at any time.
	Cut func()
}

type senderKey struct{}

// WithSender returns a context for what a sender sends.
func WithSender(ctx context.Context, s Sender) context.Context {
	return context.WithValue(ctx, senderKey{}, s)
}

// SenderOf returns the sender of a context; the zero Sender if there is none.
func SenderOf(ctx context.Context) Sender {
	s, _ := ctx.Value(senderKey{}).(Sender)
	return s
}
