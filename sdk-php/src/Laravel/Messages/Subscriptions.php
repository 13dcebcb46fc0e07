<?php

declare(strict_types=1);

namespace Waybill\Laravel\Messages;

/** What config `waybill.topics` says. */
final readonly class Subscriptions
{
    /**
     * @param list<Subscription> $all
     */
    private function __construct(public array $all) {}

    /**
     * @param string $channel of those that name none
     */
    public static function of(mixed $topics, string $channel): self
    {
        $all = [];
        foreach (\is_array($topics) ? $topics : [] as $topic => $config) {
            $all[] = Subscription::of((string) $topic, $config, $channel);
        }

        return new self($all);
    }

    /** For a topic or pattern: the entry of exactly this name, else the first whose pattern takes it. */
    public function find(string $topic): ?Subscription
    {
        foreach ($this->all as $subscription) {
            if ($subscription->topic === $topic) {
                return $subscription;
            }
        }
        foreach ($this->all as $subscription) {
            if ($subscription->takes($topic)) {
                return $subscription;
            }
        }

        return null;
    }
}
