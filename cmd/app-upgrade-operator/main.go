// Command app-upgrade-operator reconciles AppUpgradePolicies.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/pflag"
	ctrl "sigs.k8s.io/controller-runtime"
)

// version is set at link time.
var version = "dev"

func main() {
	opts, err := parse(os.Args[1:])
	if err == pflag.ErrHelp { //nolint:errorlint // pflag returns it bare
		return
	}
	if err == nil {
		err = run(ctrl.SetupSignalHandler(), opts)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "app-upgrade-operator:", err)
		os.Exit(1)
	}
}
