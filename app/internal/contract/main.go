// Contract prints, as JSON, what this module asks of the infrastructure: the parameters that commands read, the table
// of files' records, and the numbers in the log that are to become metrics. It exists for the tests of the
// infrastructure, which is a module of its own and compares itself with this.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"dossier.example/app"
	"dossier.example/app/bounds"
	"dossier.example/app/catalog"
	"dossier.example/app/config"
)

// contract is what is printed.
type contract struct {
	// Serve and Migrate are the names of parameters below the stack's path that "dossier serve" and "dossier migrate"
	// ask for; each begins with a slash.
	Serve, Migrate []string
	Table          *dynamodb.CreateTableInput
	// Metrics are the keys of the numbers in the log's lines of the message "metrics".
	Metrics []string
}

func main() {
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "\t")
	var metrics []string
	for _, m := range slices.Concat((dossier.Custody{}).Metrics(time.Now()), bounds.Load{}.Metrics()) {
		metrics = append(metrics, m.Key)
	}
	if err := out.Encode(contract{
		Serve: config.ParameterNames("", config.Serve), Migrate: config.ParameterNames("", config.Migrate),
		Table: catalog.TableInput("table"), Metrics: metrics,
	}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
