package config

import "dossier.example/app/setting"

// Warning is something that an operator should know but that keeps nobody from starting.
type Warning struct {
	// Name is the variable of the setting.
	Name string
	// Message carries no value of a secret.
	Message string
}

// String returns name and message.
func (w Warning) String() string { return w.Name + ": " + w.Message }

// Fault is one setting that cannot be used. Its name is the variable; its source is "environment", "default", or
// "Parameter Store" with the full name.
type Fault = setting.Fault

// Error is every fault of the settings: what cannot be read, then bad values, contradictions and unknown names.
type Error = setting.Error
