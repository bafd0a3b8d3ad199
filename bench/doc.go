// Package bench measures the whole bot: its own process, with the real adapters and
// a store on a disk, against the sandbox's servers in this one. README.md has the
// figures and the command.
//
// It may know the sandbox and how the bot is run, nothing of the bot's inside.
package bench
