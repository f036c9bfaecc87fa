package migrations

// LockSession lets tests hold the lock that a migration takes.
var LockSession = lockSession
