<?php

declare(strict_types=1);

namespace Waybill\Laravel\Console;

use Waybill\Laravel\Bus;
use Waybill\PublishOptions;

final class PublishCommand extends GatewayCommand
{
    protected $signature = 'waybill:publish
        {topic : The topic}
        {payload? : The body; without it, what comes on standard input}
        {--id= : What the message is known by on its topic; one that it had before is dropped}
        {--key= : What the message is about}
        {--delay= : Seconds until it may be delivered}
        {--ttl= : Seconds after which it expires, unless it was delivered}
        {--header=* : name=value}';

    protected $description = 'Publish a message';

    protected function work(): int
    {
        $options = new PublishOptions(
            $this->given('id') ?? '',
            $this->given('key') ?? '',
            $this->headers(),
            $this->number('delay'),
            null,
            $this->number('ttl', 0.001),
        );
        $payload = $this->argument('payload');
        $body = \is_string($payload) ? $payload : (string) stream_get_contents(\STDIN);
        $topic = $this->given('topic') ?? '';
        $published = $this->laravel->make(Bus::class)->publish($topic, $body, $options);
        $id = self::plain($published->id);
        $this->components->twoColumnDetail("{$topic} <fg=gray>{$id}</>", '<fg=green;options=bold>' . strtoupper($published->outcome->name) . '</>');

        return self::SUCCESS;
    }

    /**
     * @return array<string, string>
     */
    private function headers(): array
    {
        $headers = [];
        foreach ($this->many('header') as $header) {
            [$name, $value] = [...explode('=', $header, 2), ''];
            $headers[$name] = $value;
        }

        return $headers;
    }
}
