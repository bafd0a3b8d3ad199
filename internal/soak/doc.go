// Package soak holds the tests that kill the bot: the real binary, as a process of
// its own, with SIGKILL, at named points and at random, while Slack, Telegram and the
// panel misbehave.
//
// There is nothing to import here. The tests know the bot from outside: what people
// see in the sandbox's chats, what the sandbox's panel was asked to do, and, once the
// process has ended, what its store holds. docs/reliability.md says how they are run
// and what they have to find.
package soak
