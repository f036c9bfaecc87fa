package main

import (
	"io"

	"github.com/spf13/cobra"

	"dossier.example/app/config"
)

func (p *program) settingsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "settings",
		Short: "Print every setting with its default and meaning, as a Markdown table",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := io.WriteString(p.stdout, config.Markdown())
			return err
		},
	}
}
