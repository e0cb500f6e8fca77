// Command local prepares and runs the local environment: a Kubernetes control plane, Flux, an OCI registry and a Git server
// on loopback, without containers.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/giantswarm/app-upgrade-operator/hack/local/crds"
	"github.com/giantswarm/app-upgrade-operator/hack/local/demo"
	"github.com/giantswarm/app-upgrade-operator/hack/local/tools"
)

const usage = `Usage: go run ./hack/local <command>

  build [tool...]  build the servers that the environment needs, or the named tools (a second time takes no time)
  path <tool>      build the tool if needed and print the path of its binary
  demo [--keep]    upgrade Apps, tell what happens and check it; --keep leaves everything running until Ctrl-C
  up               start the environment with the operator and keep it until Ctrl-C
  crds             generate Flux's CRDs into hack/local/crds/flux
`

func main() {
	// The last two: the terminal is closed, or nobody reads the output any more. Then too everything is stopped and removed.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("a command is missing\n\n%s", usage)
	}
	command, args := args[0], args[1:]
	switch command {
	case "build":
		return build(ctx, args)
	case "path":
		return path(ctx, args)
	case "demo":
		return runDemo(ctx, args)
	case "up":
		return up(ctx)
	case "crds":
		return crds.GenerateFlux(ctx, os.Stderr)
	case "help", "-h", "--help":
		fmt.Print(usage)
		return nil
	default:
		return fmt.Errorf("there is no command %q\n\n%s", command, usage)
	}
}

func runDemo(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	keep := flags.Bool("keep", false, "leave everything running until Ctrl-C")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("demo takes no argument %q\n\n%s", flags.Arg(0), usage)
	}
	return demo.Run(ctx, demo.Options{Keep: *keep, Output: os.Stdout})
}

func build(ctx context.Context, names []string) error {
	if len(names) == 0 {
		names = tools.Servers()
	}
	paths, err := tools.Ensure(ctx, os.Stderr, names...)
	if err != nil {
		return err
	}
	for _, name := range names {
		fmt.Println(name, paths[name])
	}
	return nil
}

func path(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("path takes the name of one tool\n\n%s", usage)
	}
	paths, err := tools.Ensure(ctx, os.Stderr, args[0])
	if err != nil {
		return err
	}
	fmt.Println(paths[args[0]])
	return nil
}
